"""The catalogue's snapshot in our own schema: a start does not need Kafka."""

from __future__ import annotations

from collections.abc import Sequence

from feedback_api.adapters.read_pool import ReadPool

_UPSERT = """
INSERT INTO feedback.catalogue_snapshot (key, value)
SELECT * FROM unnest($1::bytea[], $2::bytea[])
ON CONFLICT (key) DO UPDATE SET value = excluded.value, saved_at = now()
"""


class PostgresSnapshotStore:
    """Keeps every record of the catalogue as it came."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def load(self) -> list[tuple[bytes, bytes]]:
        """See ``SnapshotStore``."""
        async with self._pool.reading() as connection:
            rows = await connection.fetch("SELECT key, value FROM feedback.catalogue_snapshot ORDER BY key")
        return [(row["key"], row["value"]) for row in rows]

    async def save(self, changes: Sequence[tuple[bytes, bytes | None]], offset: int) -> None:
        """See ``SnapshotStore``. The offset is not kept: the topic is read from its beginning at every start."""
        del offset
        kept = sorted((key, value) for key, value in changes if value is not None)
        gone = [key for key, value in changes if value is None]
        async with self._pool.writing() as connection:
            if kept:
                await connection.execute(_UPSERT, [key for key, _ in kept], [value for _, value in kept])
            if gone:
                await connection.execute("DELETE FROM feedback.catalogue_snapshot WHERE key = ANY($1::bytea[])", gone)
