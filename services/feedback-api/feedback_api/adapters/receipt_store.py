"""Receipts in PostgreSQL: what is kept under one, and its erasure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.contracts.topics import FEEDBACK
from civiloop_shared.postgres.outbox import append
from feedback_api.adapters.read_pool import ReadPool
from feedback_api.ports import Kept

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_FIND = """
SELECT key, body, service, channel, received_at, occurred_at, data::text AS data, contact, quarantined, erased_at
FROM feedback.feedback WHERE receipt = $1
"""
_SCRUB = """
UPDATE feedback.feedback
SET erased_at = $2, data = NULL, contact = NULL, content_hash = NULL, channel = NULL, occurred_at = NULL
WHERE receipt = $1
"""
_WAITING = "SELECT seq, value FROM feedback.outbox WHERE key = $1 FOR UPDATE"
_EMPTY = "UPDATE feedback.outbox SET value = $2 WHERE seq = $1"


class PostgresReceiptStore:
    """Finds and erases by receipt."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def find(self, receipt: bytes) -> Kept | None:
        """See ``ReceiptStore``."""
        async with self._pool.reading() as connection:
            row = await connection.fetchrow(_FIND, receipt)
        return None if row is None else _kept(row)

    async def erase(
        self, receipt: bytes, erased_at: datetime, tombstone: Callable[[Kept], bytes], emptied: Callable[[bytes], bytes]
    ) -> Kept | None:
        """See ``ReceiptStore``."""
        async with self._pool.writing() as connection:
            row = await connection.fetchrow(f"{_FIND} FOR UPDATE", receipt)
            if row is None:
                return None
            kept = _kept(row)
            if kept.erased_at is None:
                await _erase(connection, receipt, erased_at, kept, tombstone(kept), emptied)
            return kept


async def _erase(
    connection: PoolConnectionProxy[Any],
    receipt: bytes,
    erased_at: datetime,
    kept: Kept,
    tombstone: bytes,
    emptied: Callable[[bytes], bytes],
) -> None:
    stream_key = kept.key.hex().encode()
    await connection.execute(_SCRUB, receipt, erased_at)
    for waiting in await connection.fetch(_WAITING, stream_key):
        await connection.execute(_EMPTY, waiting["seq"], emptied(waiting["value"]))
    await append(connection, [(FEEDBACK.name, stream_key, tombstone, HEADERS)], schema="feedback")


def _kept(row: Mapping[str, Any]) -> Kept:
    given = dict(row)
    return Kept(**{**given, "data": orjson.loads(given["data"]) if given["data"] else {}})
