"""What stored evaluations said of targets and benchmarks, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.evaluations import BenchmarkResult, Period, TargetResult
from civiloop_shared.postgres.engine import acquire
from evaluation_engine.ports.trends import PastVerdicts

if TYPE_CHECKING:
    from asyncpg import Pool


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
            rows = await connection.fetch(
                "SELECT (record -> 'period')::text AS period, (record -> 'targets')::text AS targets,"
                " (record -> 'benchmarks')::text AS benchmarks FROM evaluation.evaluation"
                " WHERE service_id = $1 AND cycle = $2 AND newest AND closed ORDER BY period_start DESC LIMIT $3",
                *(service, cycle, limit),
            )
        return [
            PastVerdicts(
                Period.model_validate_json(row["period"]),
                [TargetResult.model_validate(one) for one in orjson.loads(row["targets"])],
                [BenchmarkResult.model_validate(one) for one in orjson.loads(row["benchmarks"])],
            )
            for row in reversed(rows)
        ]
