"""Counts of what is stored, for the conservation ledger."""

from __future__ import annotations

from collections.abc import Sequence

from feedback_api.adapters.read_pool import ReadPool
from feedback_api.ports import LedgerDay

# ``waiting`` counts feedback whose own event is still in the outbox, not the tombstone of an erasure.
_DAYS = """
WITH waiting AS (
    SELECT DISTINCT decode(convert_from(key, 'UTF8'), 'hex') AS key
    FROM feedback.outbox
    WHERE convert_from(value, 'UTF8')::jsonb ->> 'type' = $3
)
SELECT service, (received_at AT TIME ZONE 'UTC')::date AS day, count(*) AS stored, count(waiting.key) AS waiting,
       count(*) FILTER (WHERE quarantined AND erased_at IS NULL) AS quarantined, count(erased_at) AS erased
FROM feedback.feedback LEFT JOIN waiting USING (key)
WHERE body = $1 AND ($2::text[] IS NULL OR service = ANY($2))
GROUP BY 1, 2
ORDER BY 1, 2
"""


class PostgresLedgerStore:
    """Counts rows. One statement, so the counts fit each other."""

    def __init__(self, pool: ReadPool, received_type: str) -> None:
        self._pool = pool
        self._received_type = received_type

    async def days(self, body: str, services: frozenset[str] | None) -> Sequence[LedgerDay]:
        """See ``LedgerStore``."""
        limited = None if services is None else sorted(services)
        async with self._pool.reading() as connection:
            rows = await connection.fetch(_DAYS, body, limited, self._received_type)
        return [LedgerDay(**dict(row)) for row in rows]
