"""Rows of single partitions become one row a cell, in the text that workers write; and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

import evaluation_engine
from civiloop_shared.postgres.engine import create_engine
from evaluation_engine.adapters.cells import encode
from evaluation_engine.domain.accumulator import merge
from tests.support.ingest import NOW, Ingest, journey_event

_FILE = Path(evaluation_engine.__file__).parent / "migrations/versions/20261130_13_changes.py"
PARTS = [{"j.started": 2, "b": 1, 'é"': 3}, {"j.started": 5, "b": -1, "B": 10**25}]


def migration() -> Any:
    spec = spec_from_file_location("changes", _FILE)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def run(ingest: Ingest, step: Callable[[], None]) -> None:
    def in_context(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            step()

    engine = create_engine(ingest.database.evaluation)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(in_context)
    finally:
        await engine.dispose()


async def test_partitions_become_one_row_a_cell_and_months_go(ingest: Ingest) -> None:
    await run(ingest, migration().downgrade)
    for partition, part in enumerate([*PARTS, {}]):
        for grain in ("day", "month"):
            await ingest.query(
                "INSERT INTO evaluation.aggregate VALUES ('telemetry.journeys', 'permit', '', $1, $2, $3, $4, $5)",
                *(grain, NOW, json.dumps(part), NOW, partition),
            )
        await ingest.query(
            "INSERT INTO evaluation.minute VALUES ('telemetry.journeys', 'permit', '', $1, $2, $3)",
            *(NOW, json.dumps(part), partition),
        )

    await run(ingest, migration().upgrade)

    stored = [tuple(row)[3:] for row in await ingest.raw_cells()]
    assert stored == [("day", NOW, encode(merge(PARTS)))]
    assert [row[0] for row in await ingest.query("SELECT data::text FROM evaluation.minute")] == [encode(merge(PARTS))]
    await ingest.journeys(journey_event("started", "j", at=NOW))
    assert (await ingest.total())["j.started"] == 8


async def test_there_is_no_way_back_while_changes_wait(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", "j"))
    with pytest.raises(DBAPIError, match="wait to be gathered"):
        await run(ingest, migration().downgrade)
    await ingest.gather()
    before = await ingest.cells()
    await run(ingest, migration().downgrade)
    await run(ingest, migration().upgrade)
    assert await ingest.cells() == before
