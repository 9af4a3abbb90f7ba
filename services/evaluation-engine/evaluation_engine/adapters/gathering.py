"""Changes and what they are gathered into, in PostgreSQL, under a lock of their service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters import cells
from evaluation_engine.adapters.sink.instants import from_ms, millis
from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.ports.gathering import Bucket, Change, Changed, Much, Overview, Waiting

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_LOCK_CLASS = 0x67617468  # "gath"
_TOPICS = [topic.name for topic in INGESTED]

_WAITING = """
SELECT c.service_id, coalesce(s.definition ->> 'zone', 'UTC')
FROM (
    SELECT service_id FROM evaluation.change GROUP BY service_id
    HAVING min(changed_at) < clock_timestamp() - $1::interval OR count(*) >= $2 OR sum(pg_column_size(data)) >= $3
) AS c LEFT JOIN evaluation.service s ON s.id = c.service_id
ORDER BY 1
"""

_ZONES = "SELECT id, coalesce(definition ->> 'zone', 'UTC') FROM evaluation.service ORDER BY id"

_TAKE = """
DELETE FROM evaluation.change
WHERE service_id = $1 AND id = ANY(ARRAY(
    SELECT id FROM (
        SELECT id, row_number() OVER oldest AS number, sum(pg_column_size(data)) OVER oldest AS size
        FROM evaluation.change WHERE service_id = $1 WINDOW oldest AS (ORDER BY id) ORDER BY id LIMIT $2
    ) AS first WHERE number = 1 OR size <= $3
))
RETURNING topic, data::text, changed_at
"""

# As many as are no longer counted among those that wait: no news.
_COUNT = """
INSERT INTO evaluation.aggregate_touch AS t VALUES ($1, 'gathered', 0, $2)
ON CONFLICT (service_id, topic, partition) DO UPDATE SET generation = t.generation + excluded.generation
"""

_DAYS = f"""
SELECT topic, {millis("bucket_start")} FROM evaluation.aggregate
WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'day' AND bucket_start < $3
"""  # noqa: S608 - our words

_MONTHS = f"""
SELECT topic, {millis("bucket_start")} FROM evaluation.aggregate
WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'month'
"""  # noqa: S608

_DAYS_OF = f"""
SELECT cut, {millis("bucket_start")}, data::text FROM evaluation.aggregate
WHERE topic = $1 AND service_id = $2 AND grain = 'day' AND bucket_start >= $3 AND bucket_start < $4
"""  # noqa: S608

# It changes no number, so the counters of the aggregates stand still. Compiling would take longer than running.
_BEGIN = """
SELECT pg_try_advisory_xact_lock($1, hashtext($2))
FROM set_config('evaluation.gathering', 'on', true) AS quiet, set_config('jit', 'off', true) AS plain
"""


class PostgresGatherStore:
    """Implements ``GatherStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def waiting(self, wait: timedelta, much: Much) -> Sequence[Waiting]:
        """Return services of which a change has waited for so long, or so much waits."""
        async with acquire(self._pool) as connection:
            return [Waiting(*row) for row in await connection.fetch(_WAITING, wait, *much)]

    async def zones(self) -> Mapping[str, str]:
        """Return the time zone of every service."""
        async with acquire(self._pool) as connection:
            return dict(await connection.fetch(_ZONES))

    async def overview(self, service: str, before_ms: int) -> Overview:
        """Return the days that begin before then and all months."""
        async with acquire(self._pool) as connection:
            days = await connection.fetch(_DAYS, _TOPICS, service, from_ms(before_ms))
            months = await connection.fetch(_MONTHS, _TOPICS, service)
        return Overview(frozenset(Bucket(*row) for row in days), frozenset(Bucket(*row) for row in months))

    @asynccontextmanager
    async def alone(self, service: str) -> AsyncIterator[PostgresGather | None]:
        """Open a transaction; None while somebody else gathers or rebuilds the service."""
        async with transaction(self._pool) as connection:
            mine = await connection.fetchval(_BEGIN, _LOCK_CLASS, service)
            yield PostgresGather(connection, service) if mine else None


class PostgresGather:
    """Implements ``GatherTransaction``."""

    def __init__(self, connection: AsyncpgConnection, service: str) -> None:
        self._connection = connection
        self._service = service

    async def take(self, much: Much) -> list[Change]:
        """Delete the oldest changes and return them."""
        taken = [Change(*row) for row in await self._connection.fetch(_TAKE, self._service, *much)]
        await self._connection.execute(_COUNT, self._service, len(taken))
        return taken

    async def made_months(self) -> frozenset[Bucket]:
        """Return the months that are made."""
        return frozenset(Bucket(*row) for row in await self._connection.fetch(_MONTHS, _TOPICS, self._service))

    async def cells(self, topic: str, wanted: Collection[Cell]) -> dict[Cell, Measures]:
        """Return what is stored for cells; absent ones are left out."""
        return await cells.read(self._connection, topic, wanted)

    async def days_of(self, month: Bucket, end_ms: int) -> dict[Cell, Measures]:
        """Return the days of a month of all cuts."""
        rows = await self._connection.fetch(
            _DAYS_OF, month.topic, self._service, from_ms(month.start_ms), from_ms(end_ms)
        )
        return {Cell(self._service, cut, "day", start): json.loads(data) for cut, start, data in rows}

    async def put(self, topic: str, changed: Mapping[Cell, Changed]) -> None:
        """Store cells, each as a whole."""
        rows = {cell: cells.Stored(cells.encode(one.measures), one.changed_at) for cell, one in changed.items()}
        await cells.put(self._connection, topic, rows)


@asynccontextmanager
async def held_by_rebuild(pool: Pool[Any], service: str) -> AsyncIterator[AsyncpgConnection]:
    """Let nobody gather a service for as long as the block lasts; give the connection that this hangs on."""
    async with acquire(pool) as connection:
        await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", _LOCK_CLASS, service)
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, service)
