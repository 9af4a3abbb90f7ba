"""Stopped partitions and the orders to go on, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.postgres.engine import acquire
from evaluation_engine.ports.releases import Release, StoppedPartition

if TYPE_CHECKING:
    from asyncpg import Pool

_STOPPED = """
SELECT p.topic, p.partition, p.stopped, p.next_offset, p.last_record_at, r.asked_at
FROM evaluation.sink_position p
LEFT JOIN evaluation.partition_release r
    ON r.topic = p.topic AND r.partition = p.partition AND r.released_at IS NULL
WHERE p.stopped IS NOT NULL ORDER BY 1, 2
"""

_NEWEST = """
SELECT topic, partition, stopped, asked_by, asked_at, old_next_offset, new_next_offset, released_at
FROM evaluation.partition_release ORDER BY id DESC LIMIT $1
"""

_ORDER = """
INSERT INTO evaluation.partition_release
    (topic, partition, stopped, old_topic_id, old_next_offset, asked_by, asked_at)
SELECT topic, partition, stopped, topic_id, next_offset, $3, $4
FROM evaluation.sink_position JOIN unnest($1::text[], $2::int[]) AS u (topic, partition) USING (topic, partition)
WHERE stopped IS NOT NULL
ON CONFLICT DO NOTHING
"""


class PostgresReleases:
    """Implements ``Releases``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def stopped(self) -> list[StoppedPartition]:
        """Return the partitions that stand still."""
        async with acquire(self._pool) as connection:
            return [StoppedPartition(*row) for row in await connection.fetch(_STOPPED)]

    async def newest(self, limit: int) -> list[Release]:
        """Return the newest orders."""
        async with acquire(self._pool) as connection:
            return [Release(*row) for row in await connection.fetch(_NEWEST, limit)]

    async def order(self, partitions: Sequence[StoppedPartition], by: str, at: datetime) -> None:
        """Store an order for each that has none waiting."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                _ORDER, [one.topic for one in partitions], [one.partition for one in partitions], by, at
            )
