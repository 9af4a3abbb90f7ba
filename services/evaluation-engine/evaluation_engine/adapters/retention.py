"""Old facts in PostgreSQL: found by their index, let go partition by partition under the lock that a batch takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.catalogue import KEEP_FACTS_MONTHS
from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.sink.instants import from_ms, millis
from evaluation_engine.ports.retention import KeptFacts

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_LOCK = 0x72657461696E

_SEEN = """
INSERT INTO evaluation.facts_kept (service_id, first_seen) SELECT id, $1 FROM evaluation.service ON CONFLICT DO NOTHING
"""

_KEPT = f"""
SELECT k.service_id, coalesce(s.definition ->> 'zone', 'UTC') AS zone,
    coalesce((s.definition ->> 'keep_facts_months')::int, {KEEP_FACTS_MONTHS}) AS keep_months,
    {millis("k.first_seen")} AS first_seen_ms, {millis("k.since")} AS since_ms, {millis("k.moved_at")} AS moved_at_ms
FROM evaluation.facts_kept k JOIN evaluation.service s ON s.id = k.service_id ORDER BY k.service_id
"""  # noqa: S608 - our words

_MOVE = "UPDATE evaluation.facts_kept SET since = greatest(since, $2), moved_at = $3 WHERE service_id = $1"

_SINCE = f"SELECT {millis('since')} FROM evaluation.facts_kept WHERE service_id = $1"  # noqa: S608

# A journey passes through services: its last event must lie before what each of them keeps.
_OLD_JOURNEY = """
last_at < $2 AND silence_due_at IS NULL AND NOT EXISTS (
    SELECT FROM json_array_elements(events) AS e LEFT JOIN evaluation.facts_kept k ON k.service_id = e ->> 4
    WHERE k.since IS NULL OR k.since <= j.last_at
)
"""

_JOURNEYS = f"""
SELECT journey_key, partition FROM evaluation.journey j
WHERE service_id IS NOT DISTINCT FROM $1 AND (started_at < $2 OR started_at IS NULL) AND {_OLD_JOURNEY} LIMIT $3
"""  # noqa: S608

_EXPIRE_JOURNEYS = f"""
WITH gone AS (
    DELETE FROM evaluation.journey j
    WHERE journey_key = ANY($1) AND {_OLD_JOURNEY} RETURNING coalesce(service_id, '') AS service, event_count
), booked AS (
    INSERT INTO evaluation.expired_fact AS x
    SELECT '{JOURNEYS.name}', service, '-infinity', 'counted', 'counted', count(*), sum(event_count), 0
    FROM gone GROUP BY service
    ON CONFLICT (topic, service_id, received_day, state, first_outcome) DO UPDATE
    SET facts = x.facts + excluded.facts, records = x.records + excluded.records
)
SELECT count(*) FROM gone
"""  # noqa: S608

_OLD_ANSWER = """
(occurred_at < $2 OR state = 'erased' AND nameless
    AND (received_day < $2::date OR received_day IS NULL AND changed_at < $2))
"""

_ANSWERS = f"""
(SELECT feedback_key, partition FROM evaluation.answer WHERE service_id = $1 AND occurred_at < $2 LIMIT $3)
UNION ALL
(SELECT feedback_key, partition FROM evaluation.answer
 WHERE service_id = $1 AND state = 'erased' AND (received_day < $2::date OR received_day IS NULL)
     AND {_OLD_ANSWER} LIMIT $3)
LIMIT $3
"""  # noqa: S608

# A letter that its answer took the place of would stand for the feedback again once the answer is gone.
_EXPIRE_ANSWERS = f"""
WITH gone AS (
    DELETE FROM evaluation.answer WHERE feedback_key = ANY($1) AND {_OLD_ANSWER}
    RETURNING feedback_key, service_id, received_day, state, first_outcome, erasures
), letters AS (
    UPDATE evaluation.dead_letter SET received_day = NULL
    WHERE topic = '{FEEDBACK.name}' AND received_day IS NOT NULL AND erased_at IS NULL
        AND key IN (SELECT convert_to(encode(feedback_key, 'hex'), 'UTF8') FROM gone)
), booked AS (
    INSERT INTO evaluation.expired_fact AS x
    SELECT '{FEEDBACK.name}', service_id, coalesce(received_day, '-infinity'), state, coalesce(first_outcome, ''),
        count(*), count(first_outcome), sum(erasures)
    FROM gone GROUP BY 2, 3, 4, 5
    ON CONFLICT (topic, service_id, received_day, state, first_outcome) DO UPDATE
    SET facts = x.facts + excluded.facts, records = x.records + excluded.records,
        erasures = x.erasures + excluded.erasures
)
SELECT count(*) FROM gone
"""  # noqa: S608


class PostgresRetention:
    """Implements ``RetentionStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Give True to one process at a time."""
        async with acquire(self._pool) as connection:
            mine: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)
            try:
                yield mine
            finally:
                if mine and not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)

    async def services(self, now_ms: int) -> list[KeptFacts]:
        """Return what every service keeps; one that is new is first seen now."""
        async with acquire(self._pool) as connection:
            await connection.execute(_SEEN, from_ms(now_ms))
            return [KeptFacts(*row) for row in await connection.fetch(_KEPT)]

    async def move(self, service: str, since_ms: int, now_ms: int) -> None:
        """Say that facts are kept from then on."""
        async with acquire(self._pool) as connection:
            await connection.execute(_MOVE, service, from_ms(since_ms), from_ms(now_ms))

    async def since_ms(self, service: str) -> int | None:
        """Return from when on a service has its facts, None when none were let go."""
        async with acquire(self._pool) as connection:
            since: int | None = await connection.fetchval(_SINCE, service)
        return since

    async def expire_journeys(self, service: str | None, before_ms: int, limit: int) -> int:
        """Let journeys go and book them."""
        return await self._expire(JOURNEYS.name, _JOURNEYS, _EXPIRE_JOURNEYS, service, before_ms, limit)

    async def expire_answers(self, service: str, before_ms: int, limit: int) -> int:
        """Let answers go and book them."""
        return await self._expire(FEEDBACK.name, _ANSWERS, _EXPIRE_ANSWERS, service, before_ms, limit)

    async def _expire(self, topic: str, find: str, expire: str, service: str | None, before_ms: int, limit: int) -> int:
        before = from_ms(before_ms)
        async with acquire(self._pool) as connection:
            found = await connection.fetch(find, service, before, limit)
        gone = 0
        by_partition = sorted((row[1], row[0]) for row in found)
        for partition, rows in groupby(by_partition, key=lambda one: one[0]):
            async with transaction(self._pool) as connection:
                await _hold(connection, topic, partition)
                gone += await connection.fetchval(expire, [key for _, key in rows], before)
        return gone


async def _hold(connection: AsyncpgConnection, topic: str, partition: int) -> None:
    """Take the lock that every batch takes first: no worker may have a fact in hand that goes."""
    await connection.execute(
        "SELECT 1 FROM evaluation.sink_position WHERE topic = $1 AND partition = $2 FOR UPDATE", topic, partition
    )
