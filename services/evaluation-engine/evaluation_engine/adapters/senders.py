"""Who sent what, from PostgreSQL."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from civiloop_shared.postgres.engine import acquire
from evaluation_engine.domain.quality.checks import SenderTotals

if TYPE_CHECKING:
    from asyncpg import Pool

_READ = """
    SELECT topic, slot, max(source) AS source, day, sum(events)::bigint AS events, sum(ahead)::bigint AS ahead,
           max(ahead_ms) AS ahead_ms
      FROM evaluation.sender_day WHERE service_id = $1 AND day >= $2 AND day <= $3
     GROUP BY topic, slot, day ORDER BY topic, slot, day
"""


class PostgresSenderReader:
    """Implements ``SenderReader``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def senders(self, service: str, first: date, last: date) -> list[SenderTotals]:
        """Return what each source sent on each topic."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_READ, service, first, last)
        by_slot: dict[tuple[str, int], list[Any]] = {}
        for row in rows:
            by_slot.setdefault((row["topic"], row["slot"]), []).append(row)
        return [
            SenderTotals(
                topic=topic,
                source=found[-1]["source"],
                by_day={row["day"]: row["events"] for row in found},
                ahead=sum(row["ahead"] for row in found),
                ahead_ms=max(row["ahead_ms"] for row in found),
            )
            for (topic, _), found in by_slot.items()
        ]
