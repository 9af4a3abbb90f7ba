"""What stored evaluations said of targets and benchmarks, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.evaluations import BenchmarkResult, Period, TargetResult
from civiloop_shared.postgres.engine import acquire
from evaluation_engine.ports.trends import PastVerdicts, Span

if TYPE_CHECKING:
    from asyncpg import Pool

_VERDICTS = """
SELECT (record -> 'period')::text AS period, (record -> 'targets')::text AS targets,
    (record -> 'benchmarks')::text AS benchmarks
FROM evaluation.evaluation WHERE service_id = $1 AND cycle = $2 AND newest AND closed
"""


class PostgresVerdictHistory:
    """Implements ``VerdictHistory``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def stamp(self, service: str, cycle: str) -> str:
        """Return a text that changes whenever an evaluation of the cycle is stored."""
        async with acquire(self._pool) as connection:
            found: str = await connection.fetchval(
                "SELECT count(*) || ' ' || coalesce(sum(revision), 0) FROM evaluation.evaluation"
                " WHERE service_id = $1 AND cycle = $2 AND newest",
                *(service, cycle),
            )
        return found

    async def last(self, service: str, cycle: str, limit: int) -> list[PastVerdicts]:
        """Return the verdicts of the newest revisions of the last closed periods of a cycle, earliest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(f"{_VERDICTS} ORDER BY period_start DESC LIMIT $3", service, cycle, limit)
        return [_verdicts(row) for row in reversed(rows)]

    async def closed_periods(self, service: str, cycle: str) -> list[Span]:
        """Return all closed periods of a cycle that were evaluated, earliest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT period_start, period_end FROM evaluation.evaluation"
                " WHERE service_id = $1 AND cycle = $2 AND newest AND closed ORDER BY period_start",
                *(service, cycle),
            )
        return [(start, end) for start, end in rows]

    async def at(self, service: str, cycle: str, periods: Collection[Span]) -> list[PastVerdicts]:
        """Return the verdicts of the newest revisions of these closed periods of a cycle, earliest first."""
        starts, ends = [start for start, _ in periods], [end for _, end in periods]
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"{_VERDICTS} AND (period_start, period_end) IN"  # noqa: S608 - constants only
                " (SELECT * FROM unnest($3::timestamptz[], $4::timestamptz[])) ORDER BY period_start",
                *(service, cycle, starts, ends),
            )
        return [_verdicts(row) for row in rows]


def _verdicts(row: Mapping[str, str]) -> PastVerdicts:
    return PastVerdicts(
        Period.model_validate_json(row["period"]),
        [TargetResult.model_validate(one) for one in orjson.loads(row["targets"])],
        [BenchmarkResult.model_validate(one) for one in orjson.loads(row["benchmarks"])],
    )
