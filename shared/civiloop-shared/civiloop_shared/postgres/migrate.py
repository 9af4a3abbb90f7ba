"""Runs a package's alembic migrations through asyncpg; safe to run from several replicas at once."""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from civiloop_shared.postgres.engine import ConnectionOptions, create_engine
from civiloop_shared.postgres.errors import translate_errors

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LOCK_CLASS = 0x6D6967  # "mig"
_VERSION_TABLE = "alembic_version"


async def upgrade(database_url: str, package: str, schema: str, *, statement_s: float = 300.0) -> str | None:
    """Bring ``schema`` to the newest revision in ``<package>/migrations`` and return that revision.

    One transaction for all revisions, with ``schema`` as the search path. Waits for its turn when another replica
    migrates. A migration that waits over 5 s for a lock is given up, so that it doesn't queue all others behind it.
    """
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"not a schema name: {schema}")
    options = ConnectionOptions(
        application=f"migrate {package}",
        max_size=1,
        connect_s=10.0,
        command_s=statement_s + 10.0,
        statement_s=statement_s,
        idle_in_transaction_s=statement_s,
        transaction_s=0.0,
    )
    engine = create_engine(database_url, options)
    try:
        with translate_errors():
            async with engine.begin() as connection:
                await _take_turn(connection, schema, statement_s)
                await _ensure_schema(connection, schema)
                return await connection.run_sync(_run, package, schema)
    finally:
        await engine.dispose()


def upgrade_now(database_url: str, package: str, schema: str) -> str | None:
    """Do as ``upgrade`` does, outside of an event loop."""
    return asyncio.run(upgrade(database_url, package, schema))


async def current_revision(database_url: str, schema: str) -> str | None:
    """Return the revision that the schema is at, None when it was never migrated."""
    engine = create_engine(database_url, ConnectionOptions(application="migrate", max_size=1))
    try:
        with translate_errors():
            async with engine.connect() as connection:
                return await connection.run_sync(_current, schema)
    finally:
        await engine.dispose()


async def _take_turn(connection: AsyncConnection, schema: str, wait_s: float) -> None:
    await connection.execute(text(f"SET LOCAL lock_timeout = {int(wait_s * 1000)}"))
    lock = {"a": _LOCK_CLASS, "b": zlib.crc32(schema.encode()) - 2**31}
    await connection.execute(text("SELECT pg_advisory_xact_lock(:a, :b)"), lock)
    await connection.execute(text("SET LOCAL lock_timeout = 5000"))


async def _ensure_schema(connection: AsyncConnection, schema: str) -> None:
    known = await connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema})
    if known is None:
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
    await connection.execute(text(f"SET LOCAL search_path = {schema}"))


def _run(connection: Connection, package: str, schema: str) -> str | None:
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, _: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(config, script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, version_table=_VERSION_TABLE, version_table_schema=schema)
        environment.run_migrations()
    return script.get_current_head()


def _current(connection: Connection, schema: str) -> str | None:
    options = {"version_table": _VERSION_TABLE, "version_table_schema": schema}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
