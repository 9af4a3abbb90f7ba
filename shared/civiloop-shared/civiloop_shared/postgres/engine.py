"""Connections to PostgreSQL.

The primary way is an asyncpg pool and ``transaction(pool)``: group commits, fenced batches, COPY and ``unnest`` need
the driver itself, and they must know whether a COMMIT went through. SQLAlchemy starts its transactions only at the
first statement that it runs itself, so raw statements on its connections would commit one by one. ``create_engine``
is there for SQL that is put together with SQLAlchemy Core; both take the same options.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from civiloop_shared.errors import UnavailableError, UnknownOutcomeError
from civiloop_shared.postgres.errors import UnfitServerError, is_connection_lost, translate_errors

if TYPE_CHECKING:
    from asyncpg import Connection, Pool
    from asyncpg.pool import PoolConnectionProxy
    from sqlalchemy.ext.asyncio import AsyncConnection

    AsyncpgConnection = Connection[Any] | PoolConnectionProxy[Any]

_OLDEST_SERVER = 170_000
_TOO_OLD = "PostgreSQL 17 or newer is needed"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How long things may take on the connections of one role, in seconds, and how many there may be.

    Only ``transaction_s`` ends a transaction whose client was stopped between the parts of one statement, and only
    ``unread_s`` one whose client does not take its answer: PostgreSQL's other limits don't count then. 0 is none.
    """

    application: str = "civiloop"
    min_size: int = 1
    max_size: int = 10
    connect_s: float = 2.0
    command_s: float = 10.0
    statement_s: float = 10.0
    lock_s: float = 5.0
    idle_in_transaction_s: float = 15.0
    transaction_s: float = 60.0
    unread_s: float = 15.0
    keepalive_s: int = 5

    def server_settings(self) -> dict[str, str]:
        """Return the session's settings. A stopped process must not hold its locks for ever."""
        return {
            "application_name": self.application,
            "statement_timeout": str(int(self.statement_s * 1000)),
            "lock_timeout": str(int(self.lock_s * 1000)),
            "idle_in_transaction_session_timeout": str(int(self.idle_in_transaction_s * 1000)),
            "transaction_timeout": str(int(self.transaction_s * 1000)),
            "tcp_user_timeout": str(int(self.unread_s * 1000)),
            "tcp_keepalives_idle": str(self.keepalive_s),
            "tcp_keepalives_interval": str(self.keepalive_s),
            "tcp_keepalives_count": "3",
            "timezone": "UTC",
            "default_transaction_isolation": "read committed",
        }


async def connect(database_url: str, options: ConnectionOptions | None = None) -> Connection[Any]:
    """Return one connection of its own, for locks and LISTEN.

    Raises:
        UnavailableError: the server can't be reached.
        UnfitServerError: it is too old.
    """
    options = options or ConnectionOptions()
    with _opening():
        connection: Connection[Any] = await asyncpg.connect(
            _dsn(database_url),
            timeout=options.connect_s,
            command_timeout=options.command_s,
            server_settings=options.server_settings(),
        )
    return connection


async def create_pool(database_url: str, options: ConnectionOptions | None = None) -> Pool[Any]:
    """Return an open asyncpg pool on a server that was checked.

    Raises:
        UnavailableError: the server can't be reached.
        UnfitServerError: it can't keep our promises.
    """
    options = options or ConnectionOptions()
    with _opening():
        pool: Pool[Any] = await asyncpg.create_pool(
            _dsn(database_url),
            min_size=options.min_size,
            max_size=options.max_size,
            timeout=options.connect_s,
            command_timeout=options.command_s,
            max_inactive_connection_lifetime=300.0,
            server_settings=options.server_settings(),
        )
    try:
        async with acquire(pool) as connection:
            await check_server(connection)
    except BaseException:
        pool.terminate()
        raise
    return pool


def create_engine(database_url: str, options: ConnectionOptions | None = None) -> AsyncEngine:
    """Return a SQLAlchemy engine on asyncpg; it connects at the first use."""
    options = options or ConnectionOptions()

    async def open_connection() -> Connection[Any]:
        return await connect(database_url, options)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=open_connection,
        pool_size=options.max_size,
        max_overflow=0,
        pool_timeout=options.connect_s,
        pool_pre_ping=False,
    )


@asynccontextmanager
async def acquire(pool: Pool[Any], *, timeout_s: float = 2.0) -> AsyncIterator[PoolConnectionProxy[Any]]:
    """Lend a connection for statements that commit one by one. Errors of the driver come out as ours."""
    with translate_errors():
        try:
            connection = await pool.acquire(timeout=timeout_s)
        except TimeoutError as error:
            raise UnavailableError("no connection to the database is free", dependency="postgresql") from error
        try:
            yield connection
        finally:
            await pool.release(connection)


@asynccontextmanager
async def transaction(pool: Pool[Any], *, timeout_s: float = 2.0) -> AsyncIterator[PoolConnectionProxy[Any]]:
    """Lend a connection in a transaction: committed at the end, rolled back on any error.

    Raises:
        UnavailableError: nothing was done; it may be tried again.
        UnknownOutcomeError: the connection broke at COMMIT; it may have been done.
    """
    async with acquire(pool, timeout_s=timeout_s) as connection:
        scope = connection.transaction()
        await scope.start()
        try:
            yield connection
        except BaseException:
            await _roll_back(connection, scope)
            raise
        await _commit(scope)


@asynccontextmanager
async def engine_transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Do as ``transaction`` does, on a SQLAlchemy engine."""
    with translate_errors():
        async with engine.connect() as connection:
            await connection.begin()
            yield connection
            try:
                await connection.commit()
            except Exception as error:
                _raise_unknown(error)
                raise


async def check_server(connection: AsyncpgConnection) -> None:
    """Raise ``UnfitServerError`` on a server that is too old or acknowledges before it has written."""
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int AS version,"
        " current_setting('synchronous_commit') AS synchronous, current_setting('fsync') AS fsync"
    )
    if row is None or row["version"] < _OLDEST_SERVER:
        raise UnfitServerError(_TOO_OLD)
    if row["synchronous"] == "off" or row["fsync"] == "off":
        raise UnfitServerError("synchronous_commit and fsync must not be off: acknowledged events would be lost")


@contextmanager
def _opening() -> Iterator[None]:
    """A server older than the settings of a session ends it as it begins."""
    with translate_errors():
        try:
            yield
        except asyncpg.UndefinedObjectError as error:
            raise UnfitServerError(_TOO_OLD) from error


async def _commit(scope: Any) -> None:
    try:
        await scope.commit()
    except Exception as error:
        _raise_unknown(error)
        raise


async def _roll_back(connection: AsyncpgConnection, scope: Any) -> None:
    if connection.is_closed():
        return
    try:
        await scope.rollback()
    except Exception:
        connection.terminate()


def _raise_unknown(error: Exception) -> None:
    if is_connection_lost(error) or isinstance(error, TimeoutError):
        raise UnknownOutcomeError("the connection broke at COMMIT", dependency="postgresql") from error


def _dsn(database_url: str) -> str:
    return database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
