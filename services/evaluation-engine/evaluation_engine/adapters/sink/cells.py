"""Cells as rows: canonical JSON, so that equal numbers are equal bytes. Minutes have a table of their own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import orjson

from evaluation_engine.adapters.sink.instants import millis, stamp
from evaluation_engine.domain.accumulator import Measures, canonical
from evaluation_engine.domain.contribution.address import Cell

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

_READ = f"""
SELECT a.service_id, a.cut, a.grain, {millis("a.bucket_start")}, a.data::text
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) AS u (service, cut, grain, start)
JOIN evaluation.aggregate a ON a.topic = $1 AND a.partition = $2 AND a.service_id = u.service AND a.cut = u.cut
    AND a.grain = u.grain AND a.bucket_start = {stamp("u.start")}
FOR UPDATE OF a
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.aggregate (topic, partition, service_id, cut, grain, bucket_start, data, changed_at)
SELECT $1, $2, service, cut, grain, {stamp("start")}, data, clock_timestamp()
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::json[]) AS u (service, cut, grain, start, data)
ON CONFLICT (topic, service_id, cut, grain, bucket_start, partition)
DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at
"""  # noqa: S608

_READ_MINUTES = f"""
SELECT m.service_id, m.cut, 'minute', {millis("m.bucket_start")}, m.data::text
FROM unnest($3::text[], $4::text[], $5::bigint[]) AS u (service, cut, start)
JOIN evaluation.minute m ON m.topic = $1 AND m.partition = $2 AND m.service_id = u.service AND m.cut = u.cut
    AND m.bucket_start = {stamp("u.start")}
"""  # noqa: S608

_WRITE_MINUTES = f"""
INSERT INTO evaluation.minute (topic, partition, service_id, cut, bucket_start, data)
SELECT $1, $2, service, cut, {stamp("start")}, data
FROM unnest($3::text[], $4::text[], $5::bigint[], $6::json[]) AS u (service, cut, start, data)
ON CONFLICT (topic, service_id, cut, bucket_start, partition) DO UPDATE SET data = excluded.data
"""  # noqa: S608


async def read(
    connection: AsyncpgConnection, topic: str, partition: int, cells: Collection[Cell]
) -> dict[Cell, Measures]:
    """Return what is stored for cells. The standard parser: orjson makes floats of integers past 64 bits.

    The rows are locked: where they are just being merged, this waits and finds them gone.
    """
    minutes, others = _apart(cells)
    rows = await connection.fetch(_READ, topic, partition, *_addresses(others)) if others else []
    if minutes:
        rows += await connection.fetch(_READ_MINUTES, topic, partition, *_minute_addresses(minutes))
    return {Cell(service, cut, grain, start): json.loads(data) for service, cut, grain, start, data in rows}


async def write(connection: AsyncpgConnection, topic: str, partition: int, changed: Mapping[Cell, Measures]) -> None:
    """Store cells, each as a whole, in order."""
    await put_texts(connection, topic, partition, {cell: encode(measures) for cell, measures in changed.items()})


async def put_texts(connection: AsyncpgConnection, topic: str, partition: int, texts: Mapping[Cell, str]) -> None:
    """Store canonical texts, in the order of their cells."""
    minutes, others = _apart(sorted(texts))
    if others:
        await connection.execute(_WRITE, topic, partition, *_addresses(others), [texts[cell] for cell in others])
    if minutes:
        values = [texts[cell] for cell in minutes]
        await connection.execute(_WRITE_MINUTES, topic, partition, *_minute_addresses(minutes), values)


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
