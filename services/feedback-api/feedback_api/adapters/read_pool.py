"""A small pool for reads and erasures, opened at the first use so that a start does not need the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from civiloop_shared.postgres.engine import ConnectionOptions, acquire, create_pool, transaction

if TYPE_CHECKING:
    from asyncpg import Pool
    from asyncpg.pool import PoolConnectionProxy

_OPTIONS = ConnectionOptions(
    application="feedback-api", min_size=0, max_size=4, connect_s=1.5, command_s=8.0, statement_s=8.0, lock_s=1.5
)


class ReadPool:
    """Connections for what is not on the path of intake."""

    def __init__(self, database_url: str, options: ConnectionOptions = _OPTIONS) -> None:
        self._database_url = database_url
        self._options = options
        self._pool: Pool[Any] | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> Pool[Any]:
        """Return the pool. Raises ``UnavailableError``, and ``UnfitServerError`` for a server that loses data."""
        async with self._opening:
            if self._pool is None:
                self._pool = await create_pool(self._database_url, self._options)
            return self._pool

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PoolConnectionProxy[Any]]:
        """Lend a connection for reads."""
        async with acquire(await self.open(), timeout_s=1.5) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PoolConnectionProxy[Any]]:
        """Lend a connection in a transaction."""
        async with transaction(await self.open(), timeout_s=1.5) as connection:
            yield connection

    async def probe(self) -> None:
        """Ask the server for a sign of life."""
        async with self.reading() as connection:
            await connection.fetchval("SELECT 1 FROM feedback.catalogue_snapshot LIMIT 1")

    async def close(self) -> None:
        """Close the pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(2.0):
                    await pool.close()
            except (TimeoutError, OSError):
                pool.terminate()
