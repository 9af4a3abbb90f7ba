"""Facts in bulk and cells as text, under the lock of a partition's position."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.merging import held_by_rebuild
from evaluation_engine.adapters.retention import PostgresRetention
from evaluation_engine.adapters.sink import answers, journeys
from evaluation_engine.adapters.sink.cells import put_texts
from evaluation_engine.adapters.sink.instants import from_ms, millis
from evaluation_engine.adapters.sink.transaction import PostgresSinkTransaction
from evaluation_engine.domain.closed_days import MERGED
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.ports.facts import AnswerFact, JourneyFact
from evaluation_engine.ports.rebuilding import RebuildTransaction, Scope

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_CHUNK = 5_000

_JOURNEYS = f"""
SELECT {journeys.COLUMNS} FROM evaluation.journey
WHERE service_id = $1 AND partition = $2 AND started_at < $4 AND last_at >= $3
"""  # noqa: S608

_ANSWERS = f"""
SELECT {answers.COLUMNS} FROM evaluation.answer
WHERE service_id = $1 AND partition = $2 AND occurred_at >= $3 AND occurred_at < $4 AND state = 'counted'
"""  # noqa: S608

_TEXTS = f"""
SELECT service_id, cut, grain, {millis("bucket_start")}, data::text FROM evaluation.aggregate
WHERE topic = $1 AND partition = $2 AND service_id = $3 AND bucket_start >= $4 AND bucket_start < $5
    AND (grain <> 'quarter' OR bucket_start >= $6)
UNION ALL
SELECT service_id, cut, 'minute', {millis("bucket_start")}, data::text FROM evaluation.minute
WHERE topic = $1 AND partition = $2 AND service_id = $3 AND bucket_start >= greatest($4, $7) AND bucket_start < $5
"""  # noqa: S608


class PostgresRebuildStore:
    """Implements ``RebuildStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def zone(self, body: str, service: str) -> str | None:
        """Return the time zone of a service; None when the body has no such service."""
        async with acquire(self._pool) as connection:
            zone: str | None = await connection.fetchval(
                "SELECT coalesce(definition ->> 'zone', 'UTC') FROM evaluation.service WHERE id = $1 AND body_id = $2",
                service,
                body,
            )
        return zone

    async def facts_from_ms(self, service: str) -> int | None:
        """Return from when on a service has its facts."""
        return await PostgresRetention(self._pool).since_ms(service)

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions that were ever read."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT partition FROM evaluation.sink_position WHERE topic = $1 ORDER BY 1", topic
            )
        return [row[0] for row in rows]

    def without_merges(self, service: str) -> AbstractAsyncContextManager[None]:
        """Keep merges of a service away for the block."""
        return held_by_rebuild(self._pool, service)

    async def merged_texts(self, topic: str, scope: Scope) -> dict[Cell, str]:
        """Return the stored text of every merged day and month in the scope."""
        async with acquire(self._pool) as connection:
            return await _texts(connection, topic, MERGED, scope)

    async def put_merged(self, topic: str, texts: Mapping[Cell, str]) -> None:
        """Store merged days and months."""
        async with transaction(self._pool) as connection:
            await put_texts(connection, topic, MERGED, texts)

    @asynccontextmanager
    async def partition(self, topic: str, partition: int) -> AsyncIterator[RebuildTransaction]:
        """Lock a partition for the block."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "SELECT 1 FROM evaluation.sink_position WHERE topic = $1 AND partition = $2 FOR UPDATE",
                topic,
                partition,
            )
            yield _PostgresRebuild(connection, topic, partition)


class _PostgresRebuild:
    """Implements ``RebuildTransaction``."""

    def __init__(self, connection: AsyncpgConnection, topic: str, partition: int) -> None:
        self._connection = connection
        self._topic = topic
        self._partition = partition

    async def journeys(self, service: str, since_ms: int, until_ms: int) -> AsyncIterator[list[JourneyFact]]:
        """Give journeys that have anything in the span, in chunks."""
        cursor = await self._connection.cursor(
            _JOURNEYS, service, self._partition, from_ms(since_ms), from_ms(until_ms)
        )
        while rows := await cursor.fetch(_CHUNK):
            yield [journeys.fact_of(row) for row in rows]

    async def answers(self, service: str, since_ms: int, until_ms: int) -> AsyncIterator[list[AnswerFact]]:
        """Give counted answers in the span, in chunks."""
        cursor = await self._connection.cursor(_ANSWERS, service, self._partition, from_ms(since_ms), from_ms(until_ms))
        while rows := await cursor.fetch(_CHUNK):
            yield [answers.fact_of(row) for row in rows]

    async def contexts(self, ids: Collection[int]) -> dict[int, FactContext]:
        """Return contexts by their ids."""
        return await PostgresSinkTransaction(self._connection).contexts(ids)

    async def put_answers(self, facts: Collection[AnswerFact]) -> None:
        """Store answers whose comments were read again."""
        await answers.write(self._connection, facts)

    async def texts(self, scope: Scope) -> dict[Cell, str]:
        """Return the stored text of every cell in the scope."""
        return await _texts(self._connection, self._topic, self._partition, scope)

    async def put_texts(self, texts: Mapping[Cell, str]) -> None:
        """Store cells, and fence the owner."""
        await put_texts(self._connection, self._topic, self._partition, texts)
        await self._connection.execute(
            "UPDATE evaluation.sink_position SET epoch = epoch + 1 WHERE topic = $1 AND partition = $2",
            self._topic,
            self._partition,
        )


async def _texts(connection: AsyncpgConnection, topic: str, partition: int, scope: Scope) -> dict[Cell, str]:
    rows = await connection.fetch(
        _TEXTS,
        *(topic, partition, scope.service),
        *(from_ms(at) for at in (scope.from_ms, scope.to_ms, scope.quarters_from_ms, scope.minutes_from_ms)),
    )
    return {Cell(service, cut, grain, start): text for service, cut, grain, start, text in rows}
