"""The books in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS, MEASUREMENTS
from civiloop_shared.postgres.engine import acquire
from evaluation_engine.adapters.sink.instants import from_ms
from evaluation_engine.adapters.upkeep import keep_up
from evaluation_engine.ports.books import FeedbackDay, Ledger, PartitionBooks

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_PARTITIONS = """
SELECT p.topic, p.partition, p.first_offset, p.next_offset, p.stopped,
    coalesce((SELECT json_object_agg(outcome, n) FROM evaluation.ledger l
              WHERE l.topic = p.topic AND l.partition = p.partition), '{}')::text AS outcomes
FROM evaluation.sink_position p ORDER BY p.topic, p.partition
"""

# A letter whose answer was taken in after all, or erased, is no longer where the feedback stands.
_FEEDBACK = """
WITH answers AS (
    SELECT service_id, received_day, count(*) FILTER (WHERE state = 'counted') AS counted,
        count(*) FILTER (WHERE state = 'quarantined') AS quarantined, 0::bigint AS dead_lettered,
        count(*) FILTER (WHERE state = 'erased') AS erased
    FROM evaluation.answer WHERE received_day IS NOT NULL GROUP BY 1, 2
), letters AS (
    SELECT service_id, received_day, 0, 0, count(DISTINCT key), 0
    FROM evaluation.dead_letter d
    WHERE topic = $1 AND received_day IS NOT NULL AND service_id IS NOT NULL AND replayed_at IS NULL
        AND erased_at IS NULL
        AND NOT EXISTS (
            SELECT FROM evaluation.answer a
            WHERE a.feedback_key = CASE WHEN encode(d.key, 'escape') ~ '^[0-9a-f]{32}$'
                                   THEN decode(encode(d.key, 'escape'), 'hex') END
        )
    GROUP BY 1, 2
), expired AS (
    SELECT service_id, received_day, sum(facts) FILTER (WHERE state = 'counted'),
        sum(facts) FILTER (WHERE state = 'quarantined'), 0, sum(facts) FILTER (WHERE state = 'erased')
    FROM evaluation.expired_fact WHERE topic = $1 AND received_day > '-infinity' GROUP BY 1, 2
)
SELECT service_id, received_day, coalesce(sum(counted), 0)::bigint, coalesce(sum(quarantined), 0)::bigint,
    sum(dead_lettered)::bigint, coalesce(sum(erased), 0)::bigint
FROM (TABLE answers UNION ALL TABLE letters UNION ALL TABLE expired) AS all_
WHERE $2::text IS NULL OR service_id IN (SELECT id FROM evaluation.service WHERE body_id = $2)
GROUP BY 1, 2 ORDER BY 2, 1
"""

_FACTS = f"""
SELECT topic, outcome, sum(n)::bigint FROM (
    SELECT '{JOURNEYS.name}' AS topic, 'counted' AS outcome, coalesce(sum(event_count), 0) AS n FROM evaluation.journey
    UNION ALL SELECT '{FEEDBACK.name}', 'counted', count(*) FILTER (WHERE first_outcome = 'counted')
    FROM evaluation.answer
    UNION ALL SELECT '{FEEDBACK.name}', 'quarantined', count(*) FILTER (WHERE first_outcome = 'quarantined')
    FROM evaluation.answer
    UNION ALL SELECT '{FEEDBACK.name}', 'erased', coalesce(sum(erasures), 0) FROM evaluation.answer
    UNION ALL SELECT topic, first_outcome, records FROM evaluation.expired_fact
    WHERE first_outcome IN ('counted', 'quarantined')
    UNION ALL SELECT topic, 'erased', erasures FROM evaluation.expired_fact WHERE erasures > 0
    UNION ALL SELECT '{MEASUREMENTS.name}', 'counted',
        (SELECT coalesce(sum(records - days), 0) FROM evaluation.measurement_current)
        + (SELECT coalesce(sum(value::bigint), 0) FROM evaluation.aggregate, json_each_text(data)
           WHERE topic = '{MEASUREMENTS.name}' AND grain = 'day' AND cut = '' AND key LIKE 'm.%.n')
        + (SELECT coalesce(sum(value::bigint), 0)
           FROM evaluation.change, json_array_elements(data -> 'shares') AS share (one), json_each_text(one -> 3)
           WHERE topic = '{MEASUREMENTS.name}' AND key LIKE 'm.%.n')
    UNION ALL SELECT topic, outcome, count(*) FROM evaluation.dead_letter GROUP BY 1, 2
) AS counted_anew GROUP BY 1, 2
"""  # noqa: S608

_IMBALANCES = """
SELECT topic, sum(abs(span - booked))::bigint FROM (
    SELECT p.topic, p.next_offset - p.first_offset AS span,
        (SELECT coalesce(sum(n), 0) FROM evaluation.ledger l WHERE l.topic = p.topic AND l.partition = p.partition)
        AS booked
    FROM evaluation.sink_position p
) AS partitions GROUP BY 1
"""

_SILENT = """
SELECT p FROM unnest($1::int[]) AS p
WHERE EXISTS (SELECT FROM evaluation.journey WHERE partition = p AND silence_due_at <= $2)
"""


class PostgresBooks:
    """Implements ``Books``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def ledger(self, body: str | None) -> Ledger:
        """Return the books in one snapshot."""
        async with (
            acquire(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            partitions = await connection.fetch(_PARTITIONS)
            feedback = await connection.fetch(_FEEDBACK, FEEDBACK.name, body)
            facts = await _facts(connection)
        return Ledger(
            [
                PartitionBooks(
                    row["topic"],
                    row["partition"],
                    row["first_offset"],
                    row["next_offset"],
                    orjson.loads(row["outcomes"]),
                    row["stopped"],
                )
                for row in partitions
            ],
            [FeedbackDay(*row) for row in feedback],
            facts,
        )

    async def imbalances(self) -> Mapping[str, int]:
        """Return by topic how many records have no outcome or two, over all partitions."""
        async with acquire(self._pool) as connection:
            return dict(await connection.fetch(_IMBALANCES))

    async def dead_letters(self) -> Mapping[str, int]:
        """Return by topic how many letters nobody replayed."""
        async with acquire(self._pool) as connection:
            return dict(
                await connection.fetch(
                    "SELECT topic, count(*) FILTER (WHERE replayed_at IS NULL) FROM evaluation.dead_letter GROUP BY 1"
                )
            )

    async def unrelayed(self) -> int:
        """Return how many letters are not on their DLQ topic yet."""
        async with acquire(self._pool) as connection:
            n: int = await connection.fetchval("SELECT count(*) FROM evaluation.dead_letter WHERE relayed_at IS NULL")
        return n

    async def silent_partitions(self, partitions: Collection[int], now_ms: int) -> list[int]:
        """Return those of the partitions that hold journeys whose silence is due."""
        if not partitions:
            return []
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_SILENT, sorted(partitions), from_ms(now_ms))
        return [row[0] for row in rows]

    async def keep_up(self, now_ms: int) -> None:
        """Make the tables of the coming days and let go of what is past its time."""
        async with acquire(self._pool) as connection:
            await keep_up(connection, from_ms(now_ms))


async def _facts(connection: AsyncpgConnection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for topic, outcome, n in await connection.fetch(_FACTS):
        found.setdefault(topic, {})[outcome] = n
    return found
