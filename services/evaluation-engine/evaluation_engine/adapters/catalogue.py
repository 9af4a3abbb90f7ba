"""The catalogue in PostgreSQL: present documents, every version, service rows and outbox in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.postgres.engine import acquire, transaction
from civiloop_shared.postgres.outbox import append
from evaluation_engine.errors import CatalogueChangedError
from evaluation_engine.ports.catalogue import CatalogueWrite, ServiceRow, StoredCatalogue
from evaluation_engine.ports.outbox import Message

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_PRESENT = "SELECT coalesce(max(version), 0) FROM evaluation.catalogue_version WHERE body_id = $1"


class PostgresCatalogueStore:
    """Implements ``CatalogueStore``. One apply at a time per body: an advisory lock of the transaction."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def load(self, body: str) -> StoredCatalogue:
        """Return the present version."""
        async with transaction(self._pool) as connection:
            version = await connection.fetchval(_PRESENT, body)
            rows = await connection.fetch(
                "SELECT kind, id, definition, changed_in FROM evaluation.catalogue_document WHERE body_id = $1", body
            )
        documents = {(row["kind"], row["id"]): orjson.loads(row["definition"]) for row in rows}
        return StoredCatalogue(version, documents, {(row["kind"], row["id"]): row["changed_in"] for row in rows})

    async def bodies(self) -> Mapping[str, int]:
        """Return the present version of every body that has a catalogue."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT body_id, max(version) AS version FROM evaluation.catalogue_version GROUP BY 1"
            )
        return {row["body_id"]: row["version"] for row in rows}

    async def services_of_others(self, body: str) -> frozenset[str]:
        """Return ids of services that belong to other bodies."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch("SELECT id FROM evaluation.service WHERE body_id <> $1", body)
        return frozenset(row["id"] for row in rows)

    async def service_rows(self, body: str) -> Mapping[str, ServiceRow]:
        """Return the services of a body, retired ones too."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, body_id, version, definition::text, retired_at IS NOT NULL AS retired"
                " FROM evaluation.service WHERE body_id = $1",
                body,
            )
        return {
            row["id"]: ServiceRow(
                row["id"], row["body_id"], row["version"], orjson.loads(row["definition"]), row["retired"]
            )
            for row in rows
        }

    async def replace(self, write: CatalogueWrite) -> int:
        """Store a new version, its services and messages; returning means all of it is durable."""
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('catalogue'), hashtext($1))", write.body)
            if await connection.fetchval(_PRESENT, write.body) != write.expected_version:
                raise CatalogueChangedError
            version = write.expected_version + 1
            await self._store_documents(connection, write, version)
            for service in write.services:
                await self._store_service(connection, service)
            rows = [(one.topic, one.key, one.value, HEADERS) for one in write.messages]
            await append(connection, rows, schema="evaluation")
        return version

    async def publish_again(self, messages: Callable[[], Awaitable[Iterable[Message]]]) -> int:
        """Append messages while nobody can change services or keys, so that none of them is already out of date."""
        async with transaction(self._pool) as connection:
            await connection.execute("LOCK TABLE evaluation.service, evaluation.api_key IN SHARE MODE")
            rows = [(one.topic, one.key, one.value, HEADERS) for one in await messages()]
            await append(connection, rows, schema="evaluation")
        return len(rows)

    async def versions(self, body: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest versions with who applied them, when, and what changed."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT version, applied_at, applied_by, changes FROM evaluation.catalogue_version"
                " WHERE body_id = $1 ORDER BY version DESC LIMIT $2",
                body,
                limit,
            )
        return [{**row, "changes": orjson.loads(row["changes"])} for row in rows]

    async def _store_documents(self, connection: AsyncpgConnection, write: CatalogueWrite, version: int) -> None:
        documents = [
            {"kind": kind, "id": identity, "definition": data} for (kind, identity), data in write.documents.items()
        ]
        packed = orjson.dumps(documents).decode()
        await connection.execute(
            "INSERT INTO evaluation.catalogue_version VALUES ($1, $2, $3, $4, $5, $6)",
            *(write.body, version, write.applied_at, write.applied_by),
            *(orjson.dumps(write.changes).decode(), packed),
        )
        await connection.execute(
            "INSERT INTO evaluation.catalogue_document AS old (body_id, kind, id, definition, changed_in)"
            " SELECT $1, kind, id, definition, $3"
            " FROM jsonb_to_recordset($2) AS d (kind text, id text, definition jsonb)"
            " ON CONFLICT (body_id, kind, id) DO UPDATE SET definition = excluded.definition,"
            " changed_in = excluded.changed_in WHERE old.definition <> excluded.definition",
            *(write.body, packed, version),
        )
        await connection.execute(
            "DELETE FROM evaluation.catalogue_document WHERE body_id = $1 AND (kind, id) NOT IN"
            " (SELECT kind, id FROM jsonb_to_recordset($2) AS d (kind text, id text))",
            *(write.body, packed),
        )

    async def _store_service(self, connection: AsyncpgConnection, service: ServiceRow) -> None:
        stored = await connection.fetchval(
            "INSERT INTO evaluation.service (id, body_id, version, definition, changed_at, retired_at)"
            " VALUES ($1, $2, $3, $4, now(), CASE WHEN $5 THEN now() END)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, definition = excluded.definition,"
            " changed_at = excluded.changed_at, retired_at = excluded.retired_at"
            " WHERE service.body_id = excluded.body_id RETURNING id",
            *(service.id, service.body, service.version, orjson.dumps(service.definition).decode(), service.retired),
        )
        if stored is None:
            raise CatalogueChangedError(f"another body took the service id {service.id} meanwhile")
