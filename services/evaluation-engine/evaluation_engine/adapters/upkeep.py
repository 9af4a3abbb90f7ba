"""Tables of the coming days are made, and what is past its time goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from evaluation_engine.adapters.sink.transaction import WINDOW_DAYS

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

_LOCK = 0x75706B656570
_DAYS_AHEAD = 3
_QUARTERS_KEPT = timedelta(days=91)
_MINUTES_KEPT = timedelta(days=3, hours=3)
_LETTERS_KEPT = timedelta(days=14)
_IDS_OF_ERASED_KEPT = timedelta(days=14)
_SENDERS_KEPT = timedelta(days=400)

_PARTITIONS = """
SELECT c.relname AS name, i.inhdetachpending AS pending
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'evaluation.seen_event'::regclass
"""

_EXPIRE = (
    ("DELETE FROM evaluation.sender_day WHERE day < $1::timestamptz::date", _SENDERS_KEPT),
    ("DELETE FROM evaluation.aggregate WHERE grain = 'quarter' AND bucket_start < $1", _QUARTERS_KEPT),
    ("DELETE FROM evaluation.minute WHERE bucket_start < $1", _MINUTES_KEPT),
    (
        "UPDATE evaluation.dead_letter SET value = NULL, headers = '[]',"
        " key = CASE WHEN erased_at IS NULL THEN key END"
        " WHERE at < $1 AND (value IS NOT NULL OR erased_at IS NOT NULL AND key IS NOT NULL)",
        _LETTERS_KEPT,
    ),
    (
        "UPDATE evaluation.answer SET feedback_key = uuid_send(gen_random_uuid()), nameless = true"
        " WHERE state = 'erased' AND NOT nameless AND changed_at < $1",
        _IDS_OF_ERASED_KEPT,
    ),
)


async def keep_up(connection: AsyncpgConnection, now: datetime) -> None:
    """Do what is due. One at a time; each statement commits by itself, so none holds locks for long."""
    today = now.astimezone(UTC).date()
    async with _alone(connection):
        await _make_days(connection, today)
        await _drop_days(connection, today)
        for statement, kept in _EXPIRE:
            await connection.execute(statement, now - kept)


@asynccontextmanager
async def _alone(connection: AsyncpgConnection) -> AsyncIterator[None]:
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _make_days(connection: AsyncpgConnection, today: date) -> None:
    """Attached, not made in place: that would wait for, and hold up, everything that uses the table."""
    known = {row["name"] for row in await connection.fetch(_PARTITIONS)}
    for ahead in range(_DAYS_AHEAD + 1):
        day = today + timedelta(days=ahead)
        name = _name(day)
        if name not in known:
            await connection.execute(f"CREATE TABLE IF NOT EXISTS evaluation.{name} (LIKE evaluation.seen_event)")
            await connection.execute(
                f"ALTER TABLE evaluation.seen_event ATTACH PARTITION evaluation.{name}"
                f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
            )


async def _drop_days(connection: AsyncpgConnection, today: date) -> None:
    oldest = _name(today - timedelta(days=WINDOW_DAYS))
    for row in await connection.fetch(_PARTITIONS):
        name = row["name"]
        if name < oldest:
            how = "FINALIZE" if row["pending"] else "CONCURRENTLY"
            await connection.execute(f"ALTER TABLE evaluation.seen_event DETACH PARTITION evaluation.{name} {how}")
            await connection.execute(f"DROP TABLE evaluation.{name}")


def _name(day: date) -> str:
    return f"seen_event_{day:%Y%m%d}"
