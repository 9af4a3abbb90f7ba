"""Journeys as rows; their events as one compact JSON array."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.adapters.sink.instants import from_ms, millis, stamp
from evaluation_engine.domain.journey import JourneyEvent
from evaluation_engine.ports.facts import JourneyFact

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

COLUMNS = f"""
journey_key, partition, body_id, journey_id, service_id, context_id, silenced, events::text,
{millis("started_at")} AS started_at_ms, {millis("observed_until")} AS observed_until_ms,
{millis("silence_due_at")} AS silence_due_at_ms
"""

_READ = f"SELECT {COLUMNS} FROM evaluation.journey WHERE journey_key = ANY($1::bytea[])"  # noqa: S608

_READ_SILENT = f"""
SELECT {COLUMNS} FROM evaluation.journey
WHERE partition = $1 AND silence_due_at <= $2 ORDER BY silence_due_at LIMIT $3
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.journey (
    journey_key, partition, body_id, journey_id, service_id, context_id, silenced, event_count, events,
    started_at, last_at, observed_until, silence_due_at, changed_at
)
SELECT
    key, part, body, journey, service, context, silenced, n, events,
    {stamp("started")}, {stamp("last")}, {stamp("observed")}, {stamp("due")}, clock_timestamp()
FROM unnest(
    $1::bytea[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bool[], $8::int[], $9::json[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]
) AS u (key, part, body, journey, service, context, silenced, n, events, started, last, observed, due)
ON CONFLICT (journey_key) DO UPDATE SET
    partition = excluded.partition, service_id = excluded.service_id, context_id = excluded.context_id,
    silenced = excluded.silenced, event_count = excluded.event_count, events = excluded.events,
    started_at = excluded.started_at, last_at = excluded.last_at, observed_until = excluded.observed_until,
    silence_due_at = excluded.silence_due_at, changed_at = excluded.changed_at
"""  # noqa: S608


async def read(connection: AsyncpgConnection, keys: Collection[bytes]) -> dict[bytes, JourneyFact]:
    """Return the journeys that are stored."""
    rows = await connection.fetch(_READ, sorted(keys)) if keys else []
    return {row[0]: fact_of(row) for row in rows}


async def read_silent(connection: AsyncpgConnection, partition: int, before_ms: int, limit: int) -> list[JourneyFact]:
    """Return open journeys whose silence is due, oldest first."""
    return [fact_of(row) for row in await connection.fetch(_READ_SILENT, partition, from_ms(before_ms), limit)]


async def write(connection: AsyncpgConnection, facts: Collection[JourneyFact]) -> None:
    """Store journeys, each as a whole, in the order of their keys."""
    if not facts:
        return
    ordered = sorted(facts, key=lambda fact: fact.key)
    columns = zip(*map(_row, ordered), strict=True)
    await connection.execute(_WRITE, *map(list, columns))


def fact_of(row: Record) -> JourneyFact:
    """Return the fact in a row of `COLUMNS`."""
    return JourneyFact(
        key=row["journey_key"],
        partition=row["partition"],
        body=row["body_id"],
        journey_id=row["journey_id"],
        events=[_event(one) for one in orjson.loads(row["events"])],
        service=row["service_id"],
        context_id=row["context_id"],
        silenced=row["silenced"],
        started_at_ms=row["started_at_ms"],
        observed_until_ms=row["observed_until_ms"],
        silence_due_at_ms=row["silence_due_at_ms"],
        is_new=False,
    )


def _row(fact: JourneyFact) -> tuple[Any, ...]:
    events = fact.events
    return (
        fact.key,
        fact.partition,
        fact.body,
        fact.journey_id,
        fact.service,
        fact.context_id,
        fact.silenced,
        len(events),
        orjson.dumps([(event.key.hex(), *event[1:]) for event in events]).decode(),
        fact.started_at_ms,
        events[-1].at_ms,
        fact.observed_until_ms,
        fact.silence_due_at_ms,
    )


def _event(one: list[Any]) -> JourneyEvent:
    key, digest, kind, at_ms, service, channel, step, language, assisted, segments, observed = one
    pairs = tuple((name, value) for name, value in segments)
    return JourneyEvent(
        bytes.fromhex(key), digest, kind, at_ms, service, channel, step, language, assisted, pairs, observed
    )
