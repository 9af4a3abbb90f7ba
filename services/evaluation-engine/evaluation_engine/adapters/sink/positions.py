"""Claims on partitions: whoever raised the epoch last owns the position, everybody else is fenced."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.sink.instants import from_ms, millis
from evaluation_engine.adapters.sink.transaction import PostgresSinkTransaction
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.errors import FencedError
from evaluation_engine.ports.sink import Attempt, Claim, Position, SinkTransaction
from evaluation_engine.service.ingest.services import context_document

if TYPE_CHECKING:
    from asyncpg import Pool

_CLAIM = """
INSERT INTO evaluation.sink_position AS mine (topic, partition, topic_id, epoch, first_offset, next_offset)
VALUES ($1, $2, $3, 1, $4, $4)
ON CONFLICT (topic, partition) DO UPDATE
SET epoch = mine.epoch + 1, attempts = CASE WHEN $5 THEN 0 ELSE mine.attempts END
RETURNING epoch, next_offset, topic_id, stopped, (
    SELECT id FROM evaluation.partition_release WHERE topic = $1 AND partition = $2 AND released_at IS NULL
) AS release
"""

_RELEASE = """
WITH released AS (
    UPDATE evaluation.sink_position
    SET topic_id = $5, first_offset = $6 - (next_offset - first_offset), next_offset = $6, stopped = NULL,
        attempts = 0, careful_until = 0
    WHERE topic = $1 AND partition = $2 AND epoch = $3 AND stopped IS NOT NULL RETURNING 1
)
UPDATE evaluation.partition_release SET released_at = clock_timestamp(), new_topic_id = $5, new_next_offset = $6
WHERE id = $4 AND EXISTS (SELECT FROM released) RETURNING 1
"""

_BEGIN = """
UPDATE evaluation.sink_position
SET attempts = CASE WHEN attempts >= $4 AND next_offset >= careful_until THEN 1 ELSE attempts + 1 END,
    careful_until = CASE WHEN attempts >= $4 AND next_offset >= careful_until THEN next_offset + $5
                         ELSE careful_until END
WHERE topic = $1 AND partition = $2 AND epoch = $3
RETURNING attempts, careful_until
"""

_TOUCH = """
UPDATE evaluation.sink_position p SET caught_up_at = $5
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS u (topic, partition, epoch, next_offset)
WHERE p.topic = u.topic AND p.partition = u.partition AND p.epoch = u.epoch AND p.next_offset = u.next_offset
"""

_FACTS_FROM = f"SELECT service_id, {millis('since')} FROM evaluation.facts_kept WHERE since IS NOT NULL"  # noqa: S608


_MISSING_CONTEXTS = """
SELECT id FROM unnest($1::bigint[]) AS u (id) WHERE NOT EXISTS (SELECT FROM evaluation.fact_context c WHERE c.id = u.id)
ORDER BY id
"""

_KEEP_CONTEXTS = """
INSERT INTO evaluation.fact_context (id, context) SELECT * FROM unnest($1::bigint[], $2::json[]) ON CONFLICT DO NOTHING
"""


class PostgresSink:
    """Implements ``Sink`` and ``ServiceSource``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def claim(self, topic: str, partition: int, topic_id: UUID, first_offset: int, *, forgive: bool) -> Claim:
        """Become the owner: every earlier claim is fenced from now on."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(_CLAIM, topic, partition, topic_id, first_offset, forgive)
        assert row is not None
        position = Position(topic, partition, row["epoch"], row["next_offset"])
        return Claim(position, row["topic_id"], row["stopped"], row["release"])

    async def begin_attempt(self, position: Position, *, careful_after: int, span: int) -> Attempt:
        """Count an attempt, in a transaction of its own."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                _BEGIN, position.topic, position.partition, position.epoch, careful_after, span
            )
        if row is None:
            raise FencedError(f"{position.topic}/{position.partition}")
        return Attempt(row["attempts"], row["careful_until"])

    async def stop_partition(self, position: Position, reason: str) -> None:
        """Write down why a partition must not be read on."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "UPDATE evaluation.sink_position SET stopped = $4"
                " WHERE topic = $1 AND partition = $2 AND epoch = $3 RETURNING 1",
                position.topic,
                position.partition,
                position.epoch,
                reason,
            )
        if row is None:
            raise FencedError(f"{position.topic}/{position.partition}")

    async def release(self, claim: Claim, topic_id: UUID, first_offset: int) -> Position:
        """Let a stopped partition go on at the first record that its topic has."""
        one = claim.position
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                _RELEASE, one.topic, one.partition, one.epoch, claim.release, topic_id, first_offset
            )
        if row is None:
            raise FencedError(f"{one.topic}/{one.partition}")
        return Position(one.topic, one.partition, one.epoch, first_offset)

    async def touch(self, positions: Sequence[Position], caught_up_at_ms: int) -> None:
        """Say for all of these that they were read to the end at that time."""
        if not positions:
            return
        async with acquire(self._pool) as connection:
            await connection.execute(
                _TOUCH,
                [one.topic for one in positions],
                [one.partition for one in positions],
                [one.epoch for one in positions],
                [one.next_offset for one in positions],
                from_ms(caught_up_at_ms),
            )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SinkTransaction]:
        """Open a transaction; it commits at the end."""
        async with transaction(self._pool, timeout_s=10.0) as connection:
            yield PostgresSinkTransaction(connection)

    async def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the definition of every service, retired ones too, by id."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch("SELECT id, definition::text FROM evaluation.service")
        return {row["id"]: orjson.loads(row["definition"]) for row in rows}

    async def facts_from_ms(self) -> Mapping[str, int]:
        """Return from when on services have their facts."""
        async with acquire(self._pool) as connection:
            return dict(await connection.fetch(_FACTS_FROM))

    async def keep_contexts(self, contexts: Mapping[int, FactContext]) -> None:
        """Store contexts, so that facts can cite them."""
        async with acquire(self._pool) as connection:
            missing = [row[0] for row in await connection.fetch(_MISSING_CONTEXTS, list(contexts))]
            if missing:
                texts = [json.dumps(context_document(contexts[one]), sort_keys=True) for one in missing]
                await connection.execute(_KEEP_CONTEXTS, missing, texts)
