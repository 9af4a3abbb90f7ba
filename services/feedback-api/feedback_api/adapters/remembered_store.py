"""Answers remembered under Idempotency-Keys, in PostgreSQL: what is past its time goes."""

from __future__ import annotations

from datetime import datetime

from feedback_api.adapters.read_pool import ReadPool

# Replicas do this side by side: what another one deletes right now is left to it.
_LET_GO = """
WITH gone AS (
    DELETE FROM feedback.idempotency WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM feedback.idempotency WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1
)
SELECT count(*) FROM gone
"""


class PostgresRememberedStore:
    """Deletes by age."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    async def let_go(self, before: datetime, at_most: int) -> int:
        """See ``RememberedStore``."""
        async with self._pool.writing() as connection:
            return int(await connection.fetchval(_LET_GO, before, at_most))
