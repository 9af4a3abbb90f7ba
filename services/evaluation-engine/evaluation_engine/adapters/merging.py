"""Merged days and months in PostgreSQL: rows of no partition, changed under a lock of their service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.sink.cells import encode
from evaluation_engine.adapters.sink.instants import from_ms, millis, stamp
from evaluation_engine.domain.closed_days import MERGED
from evaluation_engine.ports.merging import Bucket, Overview, Place, Sum

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_LOCK_CLASS = 0x6D657267  # "merg"

_ZONES = "SELECT id, coalesce(definition ->> 'zone', 'UTC') FROM evaluation.service ORDER BY id"

_DAYS = f"""
SELECT DISTINCT topic, {millis("bucket_start")}, partition > {MERGED} FROM evaluation.aggregate
WHERE topic = ANY($1) AND service_id = $2 AND grain = 'day' AND bucket_start < $3
    AND (cut = '' OR partition > {MERGED})
"""  # noqa: S608 - our words

_MONTHS = f"""
SELECT topic, {millis("bucket_start")} FROM evaluation.aggregate
WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'month' AND partition = {MERGED}
"""  # noqa: S608

_TAKE = f"""
SELECT cut, {millis("bucket_start")}, partition, data::text, changed_at FROM evaluation.aggregate
WHERE topic = $1 AND service_id = $2 AND grain = 'day' AND bucket_start >= $3 AND bucket_start < $4
    AND partition > {MERGED}
FOR UPDATE SKIP LOCKED
"""  # noqa: S608

_DELETE = f"""
DELETE FROM evaluation.aggregate a USING unnest($3::text[], $4::bigint[], $5::int[]) AS u (cut, start, partition)
WHERE a.topic = $1 AND a.service_id = $2 AND a.cut = u.cut AND a.grain = 'day' AND a.bucket_start = {stamp("u.start")}
    AND a.partition = u.partition
"""  # noqa: S608

_READ = f"""
SELECT cut, {millis("bucket_start")}, data::text, changed_at FROM evaluation.aggregate
WHERE topic = $1 AND service_id = $2 AND grain = 'day' AND bucket_start >= $3 AND bucket_start < $4
    AND partition = {MERGED} AND ($5::text[] IS NULL OR cut = ANY($5))
"""  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.aggregate (topic, service_id, partition, grain, cut, bucket_start, data, changed_at)
SELECT $1, $2, {MERGED}, $3, cut, {stamp("start")}, data, changed_at
FROM unnest($4::text[], $5::bigint[], $6::json[], $7::timestamptz[]) AS u (cut, start, data, changed_at)
ON CONFLICT (topic, service_id, cut, grain, bucket_start, partition)
DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at
"""  # noqa: S608

# A merge changes no number: the evaluator needn't look, and no row that workers count up is locked.
_BEGIN = "SELECT pg_try_advisory_xact_lock($1, hashtext($2)) FROM set_config('evaluation.merging', 'on', true)"


class PostgresMergeStore:
    """Implements ``MergeStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def zones(self) -> Mapping[str, str]:
        """Return the time zone of every service."""
        async with acquire(self._pool) as connection:
            return dict(await connection.fetch(_ZONES))

    async def overview(self, service: str, before_ms: int) -> Overview:
        """Return what there is of days that begin before then."""
        topics = [topic.name for topic in INGESTED]
        async with acquire(self._pool) as connection:
            days = await connection.fetch(_DAYS, topics, service, from_ms(before_ms))
            months = await connection.fetch(_MONTHS, topics, service)
        return Overview(
            apart=frozenset(Bucket(topic, start) for topic, start, apart in days if apart),
            merged=frozenset(Bucket(topic, start) for topic, start, apart in days if not apart),
            months=frozenset(Bucket(*row) for row in months),
        )

    @asynccontextmanager
    async def merging(self, service: str, topic: str) -> AsyncIterator[PostgresMerge | None]:
        """Open a transaction; None while somebody else merges or rebuilds the service."""
        async with transaction(self._pool) as connection:
            mine = await connection.fetchval(_BEGIN, _LOCK_CLASS, service)
            yield PostgresMerge(connection, service, topic) if mine else None


class PostgresMerge:
    """Implements ``MergeTransaction``."""

    def __init__(self, connection: AsyncpgConnection, service: str, topic: str) -> None:
        self._connection = connection
        self._of = (topic, service)

    async def take(self, begin_ms: int, end_ms: int) -> list[tuple[Place, Sum]]:
        """Delete rows of single partitions and return them; it waits for no worker."""
        rows = await self._connection.fetch(_TAKE, *self._of, from_ms(begin_ms), from_ms(end_ms))
        if rows:
            columns = [list(column) for column in zip(*((row[0], row[1], row[2]) for row in rows), strict=True)]
            await self._connection.execute(_DELETE, *self._of, *columns)
        return [(Place(cut, start), Sum(json.loads(data), at)) for cut, start, _, data, at in rows]

    async def days(self, begin_ms: int, end_ms: int, cuts: Collection[str] | None = None) -> dict[Place, Sum]:
        """Return merged days."""
        wanted = None if cuts is None else sorted(cuts)
        rows = await self._connection.fetch(_READ, *self._of, from_ms(begin_ms), from_ms(end_ms), wanted)
        return {Place(cut, start): Sum(json.loads(data), at) for cut, start, data, at in rows}

    async def put(self, grain: Literal["day", "month"], sums: Mapping[Place, Sum]) -> None:
        """Store merged days or months."""
        if not sums:
            return
        await self._connection.execute(
            _WRITE,
            *(*self._of, grain),
            [place.cut for place in sums],
            [place.start_ms for place in sums],
            [encode(one.measures) for one in sums.values()],
            [one.changed_at for one in sums.values()],
        )


@asynccontextmanager
async def held_by_rebuild(pool: Pool[Any], service: str) -> AsyncIterator[None]:
    """Keep merges of a service away for as long as the block lasts."""
    async with acquire(pool) as connection:
        await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", _LOCK_CLASS, service)
        try:
            yield
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, service)
