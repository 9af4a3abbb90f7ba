"""Connections that know whether a COMMIT went through, and servers that are refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from civiloop_shared.errors import DeadlineExceededError, UnavailableError, UnknownOutcomeError
from civiloop_shared.postgres.engine import (
    ConnectionOptions,
    connect,
    create_engine,
    create_pool,
    engine_transaction,
    transaction,
)
from civiloop_shared.postgres.errors import UnfitServerError


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    options = ConnectionOptions(statement_s=1.0, lock_s=0.5, max_size=3)
    pool = await create_pool(database_url, options)
    await pool.execute("CREATE TABLE thing (id int PRIMARY KEY)")
    yield pool
    await pool.close()


async def test_a_transaction_is_all_or_nothing(pool: asyncpg.Pool[Any]) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO thing VALUES (1)")
    with pytest.raises(ZeroDivisionError):
        await _insert_and_fail(pool)
    assert [row["id"] for row in await pool.fetch("SELECT id FROM thing")] == [1]


async def test_a_connection_that_breaks_at_commit_leaves_the_outcome_unknown(pool: asyncpg.Pool[Any]) -> None:
    with pytest.raises(UnknownOutcomeError):
        await _insert_and_lose_connection(pool)
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO thing VALUES (1)")


async def test_a_connection_that_breaks_before_commit_did_nothing(pool: asyncpg.Pool[Any]) -> None:
    with pytest.raises(UnavailableError) as caught:
        await _lose_connection_and_insert(pool)
    assert not isinstance(caught.value, UnknownOutcomeError)


async def test_waiting_for_a_lock_and_a_slow_statement_end(pool: asyncpg.Pool[Any]) -> None:
    async with transaction(pool) as holder:
        await holder.execute("LOCK TABLE thing")
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            async with transaction(pool) as connection:
                await connection.execute("INSERT INTO thing VALUES (1)")
        assert time.monotonic() - begun < 1.0
    with pytest.raises(DeadlineExceededError):
        async with transaction(pool) as connection:
            await connection.execute("SELECT pg_sleep(5)")


async def test_an_exhausted_pool_is_said_in_time(pool: asyncpg.Pool[Any]) -> None:
    held = [await pool.acquire() for _ in range(3)]
    begun = time.monotonic()
    with pytest.raises(UnavailableError):
        async with transaction(pool, timeout_s=0.3):
            pass
    assert time.monotonic() - begun < 1.0
    for connection in held:
        await pool.release(connection)


async def test_a_server_that_forgets_what_it_acknowledged_is_refused(database_url: str) -> None:
    admin = await connect(database_url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await admin.close()
    with pytest.raises(UnfitServerError):
        await create_pool(database_url)


async def test_no_server_is_unavailable_in_time() -> None:
    begun = time.monotonic()
    with pytest.raises(UnavailableError):
        await create_pool("postgresql://nobody@127.0.0.1:1/none")
    assert time.monotonic() - begun < 3.0


async def test_a_session_of_a_stopped_process_can_not_hold_its_locks_for_ever(database_url: str) -> None:
    connection = await connect(database_url, ConnectionOptions(idle_in_transaction_s=0.2))
    await connection.execute("BEGIN")
    await asyncio.sleep(0.5)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.execute("SELECT 1")
    await connection.close()


async def test_nor_between_the_parts_of_one_statement(database_url: str) -> None:
    """Where PostgreSQL waits for the next part it counts neither as idle nor as running."""
    options = ConnectionOptions(transaction_s=0.5, statement_s=0.2, idle_in_transaction_s=0.2)
    holder = await _holding_a_lock(database_url, options)
    await holder.prepare("SELECT 1 + $1::int")
    await _demand_lock(database_url)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await holder.execute("SELECT 1")
    await holder.close()


async def test_nor_while_it_does_not_take_its_answer(database_url: str) -> None:
    options = ConnectionOptions(unread_s=1.0, transaction_s=0.5, statement_s=0.2, idle_in_transaction_s=0.2)
    holder = await _holding_a_lock(database_url, options)
    answer = asyncio.create_task(holder.fetch("SELECT repeat('x', 1000) FROM generate_series(1, 100000)"))
    await asyncio.sleep(0)
    holder._transport.pause_reading()  # what a stopped process does
    await _demand_lock(database_url)
    answer.cancel()
    await asyncio.gather(answer, return_exceptions=True)
    holder.terminate()


async def test_a_server_that_does_not_know_a_limit_of_ours_is_too_old(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ConnectionOptions().server_settings()
    monkeypatch.setattr(ConnectionOptions, "server_settings", lambda _: {**known, "limit_of_tomorrow": "1"})
    for opening in (connect, create_pool):
        with pytest.raises(UnfitServerError, match="PostgreSQL 17"):
            await opening(database_url)


async def test_sqlalchemy_keeps_the_same_promises(database_url: str) -> None:
    engine = create_engine(database_url, ConnectionOptions(statement_s=1.0))
    async with engine_transaction(engine) as connection:
        await connection.execute(text("CREATE TABLE other (id int PRIMARY KEY)"))
    with pytest.raises(UnknownOutcomeError):
        await _lose_engine_connection(engine, database_url)
    with pytest.raises(DeadlineExceededError):
        async with engine_transaction(engine) as connection:
            await connection.execute(text("SELECT pg_sleep(5)"))
    await engine.dispose()


async def _holding_a_lock(database_url: str, options: ConnectionOptions) -> Any:
    connection = await connect(database_url, options)
    await connection.execute("CREATE TABLE held (id int)")
    await connection.execute("BEGIN; LOCK TABLE held")
    return connection


async def _demand_lock(database_url: str, within_s: float = 10.0) -> None:
    """Fail unless the table can be locked in time."""
    other = await connect(database_url, ConnectionOptions(lock_s=within_s, command_s=within_s + 5, statement_s=0))
    await other.execute("BEGIN; LOCK TABLE held; COMMIT")
    await other.close()


async def _insert_and_fail(pool: asyncpg.Pool[Any]) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO thing VALUES (2)")
        raise ZeroDivisionError


async def _insert_and_lose_connection(pool: asyncpg.Pool[Any]) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO thing VALUES (1)")
        await pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await asyncio.sleep(0.1)


async def _lose_connection_and_insert(pool: asyncpg.Pool[Any]) -> None:
    async with transaction(pool) as connection:
        await pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await connection.execute("INSERT INTO thing VALUES (1)")


async def _lose_engine_connection(engine: AsyncEngine, database_url: str) -> None:
    async with engine_transaction(engine) as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        killer = await connect(database_url)
        await killer.execute("SELECT pg_terminate_backend($1)", pid)
        await killer.close()
        await asyncio.sleep(0.1)
