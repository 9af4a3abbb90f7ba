"""Measurements over periods as rows."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.adapters.sink.instants import millis, stamp
from evaluation_engine.domain.contribution.measurements import Measurement
from evaluation_engine.ports.facts import PeriodFact

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_READ = f"""
SELECT measurement_key, partition, body_id, service_id, name, channel, kind, unit, milli, event_key, context_id, days,
    records, samples::text, {millis("period_from")} AS from_ms, {millis("period_to")} AS to_ms,
    {millis("recorded_at")} AS recorded_ms
FROM evaluation.measurement_current WHERE measurement_key = ANY($1::bytea[])
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.measurement_current (
    measurement_key, partition, body_id, service_id, name, channel, kind, unit, milli, event_key, context_id, days,
    records, period_from, period_to, recorded_at, samples
)
SELECT key, part, body, service, name, channel, kind, unit, milli, event, context, days, records,
    {stamp("since")}, {stamp("until")}, {stamp("recorded")}, samples
FROM unnest(
    $1::bytea[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[],
    $10::bytea[], $11::bigint[], $12::int[], $13::int[], $14::bigint[], $15::bigint[], $16::bigint[],
    $17::json[]
) AS u (key, part, body, service, name, channel, kind, unit, milli, event, context, days, records, since, until,
    recorded, samples)
ON CONFLICT (measurement_key) DO UPDATE SET
    kind = excluded.kind, unit = excluded.unit, milli = excluded.milli, event_key = excluded.event_key,
    context_id = excluded.context_id, days = excluded.days, records = excluded.records,
    recorded_at = excluded.recorded_at, samples = excluded.samples
"""  # noqa: S608


async def read(connection: AsyncpgConnection, keys: Collection[bytes]) -> dict[bytes, PeriodFact]:
    """Return the measurements over periods that are stored."""
    rows = await connection.fetch(_READ, sorted(keys)) if keys else []
    return {row[0]: _fact(row) for row in rows}


async def write(connection: AsyncpgConnection, facts: Collection[PeriodFact]) -> None:
    """Store measurements over periods, in the order of their keys."""
    if not facts:
        return
    ordered = sorted(facts, key=lambda fact: fact.key)
    await connection.execute(_WRITE, *map(list, zip(*map(_row, ordered), strict=True)))


def _fact(row: Record) -> PeriodFact:
    measurement = Measurement(
        service=row["service_id"],
        name=row["name"],
        milli=int(row["milli"]),
        at_ms=row["from_ms"],
        until_ms=row["to_ms"],
        channel=row["channel"],
        samples=tuple((milli, count) for milli, count in orjson.loads(row["samples"] or "[]")),
    )
    return PeriodFact(
        key=row["measurement_key"],
        partition=row["partition"],
        body=row["body_id"],
        measurement=measurement,
        kind=row["kind"],
        unit=row["unit"],
        recorded_at_ms=row["recorded_ms"],
        event_key=row["event_key"],
        context_id=row["context_id"],
        days=row["days"],
        records=row["records"],
    )


def _row(fact: PeriodFact) -> tuple[Any, ...]:
    one = fact.measurement
    return (
        fact.key,
        fact.partition,
        fact.body,
        one.service,
        one.name,
        one.channel,
        fact.kind,
        fact.unit,
        Decimal(one.milli),
        fact.event_key,
        fact.context_id,
        fact.days,
        fact.records,
        one.at_ms,
        one.until_ms,
        fact.recorded_at_ms,
        orjson.dumps(one.samples).decode() if one.samples else None,
    )
