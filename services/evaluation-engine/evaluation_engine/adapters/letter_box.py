"""Dead letters in PostgreSQL: paged, and lent to whoever puts them on Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.sink.letters import headers_from
from evaluation_engine.ports.books import StoredLetter

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_COLUMNS = """
id, topic, partition, "offset", outcome, reason, detail, body_id, service_id, key, value, headers::text, at, replayed_at
"""

_PAGE = f"""
SELECT {_COLUMNS} FROM evaluation.dead_letter
WHERE (body_id = $1 OR body_id IS NULL) AND ($2::text IS NULL OR topic = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608

_TO_RELAY = f"""
SELECT {_COLUMNS} FROM evaluation.dead_letter
WHERE relayed_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608

# What is larger can't be counted whatever is mended: no event of ours comes near it.
_TO_REPLAY = f"""
SELECT {_COLUMNS} FROM evaluation.dead_letter
WHERE (body_id = $1 OR body_id IS NULL) AND ($3::text IS NULL OR topic = $3) AND id > $4
    AND octet_length(value) + coalesce(octet_length(key), 0) <= 524288
    AND CASE WHEN $2::bigint[] IS NULL THEN replayed_at IS NULL ELSE id = ANY($2) END
ORDER BY id LIMIT $5 FOR UPDATE
"""  # noqa: S608

# Kafka must have answered well before PostgreSQL gives the idle transaction up.
_DEADLINE_S = 5.0


class PostgresLetterBox:
    """Implements ``LetterBox``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def page(self, body: str, topic: str | None, before: int | None, limit: int) -> list[StoredLetter]:
        """Return letters of a body, and those that name none, newest first."""
        async with acquire(self._pool) as connection:
            return [_letter(row) for row in await connection.fetch(_PAGE, body, topic, before, limit)]

    @asynccontextmanager
    async def to_relay(self, limit: int) -> AsyncIterator[list[StoredLetter]]:
        """Lend letters that are not on their DLQ topic."""
        async with self._lend("relayed_at", _TO_RELAY, limit) as letters:
            yield letters

    @asynccontextmanager
    async def to_replay(
        self, body: str, ids: Sequence[int] | None, topic: str | None, after: int, limit: int
    ) -> AsyncIterator[list[StoredLetter]]:
        """Lend letters with ids over ``after`` that still have their content, in order."""
        wanted = None if ids is None else list(ids)
        async with self._lend("replayed_at", _TO_REPLAY, body, wanted, topic, after, limit) as letters:
            yield letters

    @asynccontextmanager
    async def _lend(self, mark: str, query: str, *arguments: object) -> AsyncIterator[list[StoredLetter]]:
        async with transaction(self._pool) as connection:
            letters = [_letter(row) for row in await connection.fetch(query, *arguments)]
            yield letters
            if letters:
                await connection.execute(
                    f"UPDATE evaluation.dead_letter SET {mark} = now() WHERE id = ANY($1)",  # noqa: S608 - our words
                    [letter.id for letter in letters],
                )


class KafkaPublisher:
    """Implements ``Publisher``."""

    def __init__(self, producer: DurableProducer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def publish(
        self, topic: str, records: Sequence[tuple[bytes, bytes | None, Sequence[tuple[str, bytes]]]]
    ) -> None:
        """Return when all are durable."""
        await self._producer.send_batch(
            self._prefix + topic,
            [(key, value, tuple(headers)) for key, value, headers in records],
            deadline_s=_DEADLINE_S,
        )


def _letter(row: Record) -> StoredLetter:
    return StoredLetter(
        id=row["id"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        outcome=row["outcome"],
        reason=row["reason"],
        detail=row["detail"],
        body=row["body_id"],
        service=row["service_id"],
        key=row["key"],
        value=row["value"],
        headers=headers_from(row["headers"]),
        at=row["at"],
        replayed_at=row["replayed_at"],
    )
