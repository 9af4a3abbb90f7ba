"""The outbox table and the source that the relay reads it by."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.kafka.lanes import Headers
from civiloop_shared.kafka.relay import OutboxDepth, OutboxRow
from civiloop_shared.postgres.engine import ConnectionOptions, connect
from civiloop_shared.postgres.errors import translate_errors

if TYPE_CHECKING:
    from asyncpg import Connection

    from civiloop_shared.postgres.engine import AsyncpgConnection

_LOCK_CLASS = 0x6F7574  # "out"


def outbox_ddl(schema: str, table: str = "outbox") -> str:
    """Return the DDL of an outbox, for a migration. Rows come and go fast: vacuum early."""
    return f"""
        CREATE TABLE {schema}.{table} (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topic text NOT NULL,
            key bytea NOT NULL,
            value bytea,
            headers jsonb NOT NULL DEFAULT '[]',
            created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0)
    """


def pack_headers(headers: Headers) -> str:
    """Return headers as the JSON that the table keeps."""
    return orjson.dumps([(name, content.decode()) for name, content in headers]).decode()


async def append(
    connection: AsyncpgConnection,
    rows: Iterable[tuple[str, bytes, bytes | None, Headers]],
    *,
    schema: str,
    table: str = "outbox",
) -> None:
    """Add (topic, key, value, headers) to the outbox, in this order, within the caller's transaction."""
    packed = [(topic, key, value, pack_headers(headers)) for topic, key, value, headers in rows]
    columns = list(zip(*packed, strict=True))
    if columns:
        await connection.execute(
            f"INSERT INTO {schema}.{table} (topic, key, value, headers)"  # noqa: S608 - names are ours
            " SELECT t, k, v, h FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::jsonb[])"
            " WITH ORDINALITY AS rows (t, k, v, h, n) ORDER BY n",
            *columns,
        )


class PostgresOutboxSource:
    """Reads an outbox over a connection of its own.

    An advisory lock of that session makes one replica the relayer, so replicas never reorder; if its process or its
    connection dies, the lock falls to another.
    """

    def __init__(
        self,
        database_url: str,
        schema: str,
        table: str = "outbox",
        *,
        options: ConnectionOptions | None = None,
    ) -> None:
        self._database_url = database_url
        self._name = f"{schema}.{table}"
        self._options = options or ConnectionOptions(application=f"outbox {self._name}")
        self._connection: Connection[Any] | None = None
        self._relays = False
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, limit: int) -> Sequence[OutboxRow]:
        """Return the oldest rows; none while another replica relays."""
        async with self._one_at_a_time:
            connection = await self._open()
            with translate_errors():
                if not self._relays:
                    self._relays = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *self._lock())
                if not self._relays:
                    return []
                found = await connection.fetch(
                    f"SELECT seq, topic, key, value, headers::text FROM {self._name}"  # noqa: S608
                    " ORDER BY seq LIMIT $1",
                    limit,
                )
        return [OutboxRow(seq, topic, key, value, _unpack(headers)) for seq, topic, key, value, headers in found]

    async def done(self, rows: Sequence[OutboxRow]) -> None:
        """Delete rows by their ``seq``: one with a smaller one may have become visible meanwhile."""
        async with self._one_at_a_time:
            connection = await self._open()
            with translate_errors():
                await connection.execute(
                    f"DELETE FROM {self._name} WHERE seq = ANY($1::bigint[])",  # noqa: S608
                    [row.seq for row in rows],
                )

    async def depth(self) -> OutboxDepth:
        """Count what waits."""
        async with self._one_at_a_time:
            connection = await self._open()
            with translate_errors():
                row = await connection.fetchrow(
                    f"SELECT count(*) AS rows, min(created_at) AS oldest_at FROM {self._name}"  # noqa: S608
                )
        return OutboxDepth(row["rows"], row["oldest_at"]) if row else OutboxDepth(0, None)

    async def release(self) -> None:
        """Close the connection, and give up the lock by it."""
        connection, self._connection, self._relays = self._connection, None, False
        if connection is not None:
            with translate_errors():
                await connection.close(timeout=2.0)

    async def _open(self) -> Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._relays = False
            self._connection = await connect(self._database_url, self._options)
        return self._connection

    def _lock(self) -> tuple[int, int]:
        return _LOCK_CLASS, zlib.crc32(self._name.encode()) - 2**31


def _unpack(headers: str) -> Headers:
    return [(name, content.encode()) for name, content in orjson.loads(headers)] if headers != "[]" else ()
