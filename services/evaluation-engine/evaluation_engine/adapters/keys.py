"""API keys in PostgreSQL, with their messages in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.catalogue import KeyDefined
from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.postgres.engine import acquire, transaction
from civiloop_shared.postgres.outbox import append
from evaluation_engine.ports.keys import StoredKey
from evaluation_engine.ports.outbox import Message

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_INSERT = "INSERT INTO evaluation.api_key (id, body_id, definition, created_at) VALUES ($1, $2, $3, $4) RETURNING id"
_INSERT_NEW = _INSERT.replace(" RETURNING", " ON CONFLICT DO NOTHING RETURNING")
_SELECT = "SELECT definition::text AS definition, revoked_at, last_used_at FROM evaluation.api_key"


class PostgresKeyStore:
    """Implements ``KeyStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def all(self) -> list[StoredKey]:
        """Return every key of the installation."""
        async with acquire(self._pool) as connection:
            return [_stored(row) for row in await connection.fetch(_SELECT)]

    async def of_body(self, body: str) -> list[StoredKey]:
        """Return the keys of one body, newest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(f"{_SELECT} WHERE body_id = $1 ORDER BY created_at DESC, id", body)
        return [_stored(row) for row in rows]

    async def add(self, key: KeyDefined, messages: tuple[Message, ...], *, if_absent: bool = False) -> bool:
        """Store a key with its messages; False when it was there already."""
        async with transaction(self._pool) as connection:
            added = await connection.fetchval(
                _INSERT_NEW if if_absent else _INSERT,
                *(key.id, key.body, key.model_dump_json(), key.created_at),
            )
            if added is None:
                return False
            rows = [(one.topic, one.key, one.value, HEADERS) for one in messages]
            await append(connection, rows, schema="evaluation")
        return True

    async def body_is_known(self, body: str) -> bool:
        """Say whether anything of this body is stored."""
        async with acquire(self._pool) as connection:
            known = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM evaluation.api_key WHERE body_id = $1)"
                " OR EXISTS (SELECT FROM evaluation.catalogue_version WHERE body_id = $1)",
                body,
            )
        return bool(known)

    async def revoke(self, key_id: str, body: str, at: datetime, messages: tuple[Message, ...]) -> bool:
        """Mark a live key of this body as revoked, with its messages; False when there is none."""
        async with transaction(self._pool) as connection:
            revoked = await connection.fetchval(
                "UPDATE evaluation.api_key SET revoked_at = $3, changed_at = now()"
                " WHERE id = $1 AND body_id = $2 AND revoked_at IS NULL RETURNING id",
                *(key_id, body, at),
            )
            if revoked is None:
                return False
            rows = [(one.topic, one.key, one.value, HEADERS) for one in messages]
            await append(connection, rows, schema="evaluation")
        return True

    async def note_use(self, used: Mapping[str, datetime]) -> None:
        """Remember when keys were last used; never moves back."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "UPDATE evaluation.api_key k SET last_used_at = u.at"
                " FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at)"
                " WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)",
                list(used),
                list(used.values()),
            )


def _stored(row: Record) -> StoredKey:
    key = KeyDefined.model_validate_json(row["definition"])
    return StoredKey(key.model_copy(update={"revoked_at": row["revoked_at"]}), row["last_used_at"])
