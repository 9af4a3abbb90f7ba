"""Migrations run once, also when several replicas start at the same moment."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from civiloop_shared.errors import UnavailableError
from civiloop_shared.postgres.migrate import current_revision, upgrade

PACKAGE = "tests.integration.civiloop_shared.migrating"


async def test_two_replicas_migrate_at_once_and_it_happens_once(database_url: str) -> None:
    assert await current_revision(database_url, "stuff") is None
    revisions = await asyncio.gather(*(upgrade(database_url, PACKAGE, "stuff") for _ in range(3)))
    assert revisions == ["2026_01_02_second"] * 3
    assert await current_revision(database_url, "stuff") == "2026_01_02_second"
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM stuff.alembic_version") == 1
    assert await connection.fetchval("SELECT count(*) FROM information_schema.columns WHERE table_name = 'thing'") == 2
    await connection.close()


async def test_a_migration_that_waits_for_a_lock_is_given_up_whole(database_url: str) -> None:
    await upgrade(database_url, PACKAGE, "stuff")
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE stuff.thing DROP COLUMN name")
    await connection.execute("UPDATE stuff.alembic_version SET version_num = '2026_01_01_first'")
    async with connection.transaction():
        await connection.execute("LOCK TABLE stuff.thing")
        with pytest.raises(UnavailableError):
            await upgrade(database_url, PACKAGE, "stuff")
    assert await current_revision(database_url, "stuff") == "2026_01_01_first"
    assert await upgrade(database_url, PACKAGE, "stuff") == "2026_01_02_second"
    await connection.close()


async def test_a_schema_name_is_not_a_place_for_sql(database_url: str) -> None:
    with pytest.raises(ValueError, match="schema"):
        await upgrade(database_url, PACKAGE, "a; DROP SCHEMA public")
