"""Cells as rows: canonical JSON, so that equal numbers are equal bytes. Minutes have a table of their own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson

from evaluation_engine.adapters.sink.instants import stamp
from evaluation_engine.domain.accumulator import Measures, canonical
from evaluation_engine.domain.contribution.address import Cell

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_AT_ONCE = 2_000

# Lateral, and not to be pulled up: each cell is looked up by its key, whatever is known of tables that have just grown.
_READ = f"""
SELECT service, cut, grain, start, data::text
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS u (service, cut, grain, start), LATERAL (
    SELECT data FROM evaluation.aggregate a
    WHERE a.topic = $1 AND a.service_id = u.service AND a.cut = u.cut AND a.grain = u.grain
        AND a.bucket_start = {stamp("u.start")} OFFSET 0
) AS found
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.aggregate (topic, service_id, cut, grain, bucket_start, data, changed_at)
SELECT $1, service, cut, grain, {stamp("start")}, data, changed_at
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::json[], $7::timestamptz[])
    AS u (service, cut, grain, start, data, changed_at)
ON CONFLICT (topic, service_id, cut, grain, bucket_start)
DO UPDATE SET data = excluded.data, changed_at = greatest(aggregate.changed_at, excluded.changed_at)
"""  # noqa: S608

_READ_MINUTES = f"""
SELECT service, cut, 'minute', start, data::text
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u (service, cut, start), LATERAL (
    SELECT data FROM evaluation.minute m
    WHERE m.topic = $1 AND m.service_id = u.service AND m.cut = u.cut AND m.bucket_start = {stamp("u.start")} OFFSET 0
) AS found
"""  # noqa: S608

_WRITE_MINUTES = f"""
INSERT INTO evaluation.minute (topic, service_id, cut, bucket_start, data)
SELECT $1, service, cut, {stamp("start")}, data
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::json[]) AS u (service, cut, start, data)
ON CONFLICT (topic, service_id, cut, bucket_start) DO UPDATE SET data = excluded.data
"""  # noqa: S608


class Stored(NamedTuple):
    """The canonical text of a cell, and when its numbers last changed."""

    text: str
    changed_at: datetime


async def read(connection: AsyncpgConnection, topic: str, cells: Collection[Cell]) -> dict[Cell, Measures]:
    """Return what is stored for cells; absent ones are left out. The parser is the standard one, see `Batch.take`."""
    minutes, others = _apart(cells)
    rows: list[Record] = []
    for some in _slices(others):
        rows += await connection.fetch(_READ, topic, *_addresses(some))
    for some in _slices(minutes):
        rows += await connection.fetch(_READ_MINUTES, topic, *_minute_addresses(some))
    return {Cell(service, cut, grain, start): json.loads(data) for service, cut, grain, start, data in rows}


async def put(connection: AsyncpgConnection, topic: str, rows: Mapping[Cell, Stored]) -> None:
    """Store cells, each as a whole, in the order of the cells."""
    minutes, others = _apart(sorted(rows))
    for some in _slices(others):
        columns = zip(*(rows[cell] for cell in some), strict=True)
        await connection.execute(_WRITE, topic, *_addresses(some), *map(list, columns))
    for some in _slices(minutes):
        await connection.execute(_WRITE_MINUTES, topic, *_minute_addresses(some), [rows[cell].text for cell in some])


def encode(measures: Measures) -> str:
    """Return the canonical text; fast for maps without zeros whose numbers fit in 64 bits."""
    try:
        return orjson.dumps(measures, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return canonical(measures)


def _apart(cells: Iterable[Cell]) -> tuple[list[Cell], list[Cell]]:
    """Return minutes and all others."""
    minutes: list[Cell] = []
    others: list[Cell] = []
    for cell in cells:
        (minutes if cell.grain == "minute" else others).append(cell)
    return minutes, others


def _slices(cells: Sequence[Cell]) -> Iterator[Sequence[Cell]]:
    """Yield parts that a statement is done with in good time."""
    return (cells[begin : begin + _AT_ONCE] for begin in range(0, len(cells), _AT_ONCE))


def _minute_addresses(cells: Collection[Cell]) -> tuple[list[str], list[str], list[int]]:
    services, cuts, _, starts = _addresses(cells)
    return services, cuts, starts


def _addresses(cells: Collection[Cell]) -> tuple[list[str], list[str], list[str], list[int]]:
    return (
        [cell.service for cell in cells],
        [cell.cut for cell in cells],
        [cell.grain for cell in cells],
        [cell.bucket_start_ms for cell in cells],
    )
