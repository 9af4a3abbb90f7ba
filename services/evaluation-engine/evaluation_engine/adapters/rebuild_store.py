"""Facts in bulk and cells as text, under the lock of a partition's position."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters import cells
from evaluation_engine.adapters.gathering import held_by_rebuild
from evaluation_engine.adapters.retention import PostgresRetention
from evaluation_engine.adapters.sink import answers, journeys
from evaluation_engine.adapters.sink.instants import from_ms, millis
from evaluation_engine.adapters.sink.transaction import PostgresSinkTransaction
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.ports.facts import AnswerFact, JourneyFact
from evaluation_engine.ports.rebuilding import Aggregates, RebuildTransaction, Scope

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
WHERE topic = $1 AND service_id = $2 AND bucket_start >= $3 AND bucket_start < $4
    AND (grain <> 'quarter' OR bucket_start >= $5)
UNION ALL
SELECT service_id, cut, 'minute', {millis("bucket_start")}, data::text FROM evaluation.minute
WHERE topic = $1 AND service_id = $2 AND bucket_start >= greatest($3, $6) AND bucket_start < $4
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

    @asynccontextmanager
    async def ungathered(self, service: str) -> AsyncIterator[Aggregates]:
        """Let nobody gather the changes of a service for the block."""
        async with held_by_rebuild(self._pool, service) as connection:
            yield _PostgresAggregates(connection)

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


class _PostgresAggregates:
    """Implements ``Aggregates`` on the connection that holds the lock: without it there is none to write on."""

    def __init__(self, connection: AsyncpgConnection) -> None:
        self._connection = connection

    async def texts(self, topic: str, scope: Scope) -> dict[Cell, str]:
        """Return the stored text of every cell in the scope."""
        begins = (scope.from_ms, scope.to_ms, scope.quarters_from_ms, scope.minutes_from_ms)
        rows = await self._connection.fetch(_TEXTS, topic, scope.service, *map(from_ms, begins))
        return {Cell(service, cut, grain, start): text for service, cut, grain, start, text in rows}

    async def put(self, topic: str, texts: Mapping[Cell, str]) -> None:
        """Store cells, each as a whole."""
        async with self._connection.transaction():
            now = await self._connection.fetchval("SELECT clock_timestamp()")
            await cells.put(self._connection, topic, {cell: cells.Stored(text, now) for cell, text in texts.items()})


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

    async def put_changes(self, changes: Mapping[str, str]) -> None:
        """Write down changes of this partition."""
        await PostgresSinkTransaction(self._connection).put_changes(self._topic, self._partition, changes)

    async def changes(self, service: str) -> list[str]:
        """Return the changes of a service that this partition made and that aren't gathered."""
        rows = await self._connection.fetch(
            "SELECT data::text FROM evaluation.change WHERE service_id = $1 AND topic = $2 AND partition = $3",
            *(service, self._topic, self._partition),
        )
        return [row[0] for row in rows]
