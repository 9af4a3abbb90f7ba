"""Cells as rows: canonical JSON, so that equal numbers are equal bytes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import orjson

from evaluation_engine.adapters.sink.instants import millis, stamp
from evaluation_engine.domain.accumulator import Measures, canonical
from evaluation_engine.domain.contribution import Cell

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

_READ = f"""
SELECT a.service_id, a.cut, a.grain, {millis("a.bucket_start")}, a.data::text
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) AS u (service, cut, grain, start)
JOIN evaluation.aggregate a ON a.topic = $1 AND a.partition = $2 AND a.service_id = u.service AND a.cut = u.cut
    AND a.grain = u.grain AND a.bucket_start = {stamp("u.start")}
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.aggregate (topic, partition, service_id, cut, grain, bucket_start, data, changed_at)
SELECT $1, $2, service, cut, grain, {stamp("start")}, data, clock_timestamp()
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::json[]) AS u (service, cut, grain, start, data)
ON CONFLICT (topic, service_id, cut, grain, bucket_start, partition)
DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at
"""  # noqa: S608


async def read(
    connection: AsyncpgConnection, topic: str, partition: int, cells: Collection[Cell]
) -> dict[Cell, Measures]:
    """Return what is stored for cells. The standard parser: orjson makes floats of integers past 64 bits."""
    rows = await connection.fetch(_READ, topic, partition, *_addresses(cells))
    return {Cell(service, cut, grain, start): json.loads(data) for service, cut, grain, start, data in rows}


async def write(connection: AsyncpgConnection, topic: str, partition: int, changed: Mapping[Cell, Measures]) -> None:
    """Store cells, each as a whole, in order."""
    await put_texts(connection, topic, partition, {cell: encode(measures) for cell, measures in changed.items()})


async def put_texts(connection: AsyncpgConnection, topic: str, partition: int, texts: Mapping[Cell, str]) -> None:
    """Store canonical texts, in the order of their cells."""
    if texts:
        ordered = sorted(texts)
        await connection.execute(_WRITE, topic, partition, *_addresses(ordered), [texts[cell] for cell in ordered])


def encode(measures: Measures) -> str:
    """Return the canonical text; fast for maps without zeros whose numbers fit in 64 bits."""
    try:
        return orjson.dumps(measures, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return canonical(measures)


def _addresses(cells: Collection[Cell]) -> tuple[list[str], list[str], list[str], list[int]]:
    return (
        [cell.service for cell in cells],
        [cell.cut for cell in cells],
        [cell.grain for cell in cells],
        [cell.bucket_start_ms for cell in cells],
    )
