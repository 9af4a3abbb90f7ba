"""Findings in PostgreSQL: stored with the evaluation that found them, read through the view of reporting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.evaluations import FindingKind, FindingSummary
from civiloop_shared.postgres.engine import acquire
from evaluation_engine.ports.findings import KnownFinding, Status

if TYPE_CHECKING:
    from asyncpg import Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_LIST = """
    SELECT record::text AS record, status, times, of_evaluations, number, first_start, last_end
      FROM reporting_v1.finding
     WHERE service_id = $1 AND status = ANY($2) AND ($3::text IS NULL OR kind = $3)
     ORDER BY (status = 'past'), last_end DESC, place
"""


async def put_findings(
    connection: AsyncpgConnection, service: str, number: int, findings: Sequence[FindingSummary]
) -> None:
    """Store what an evaluation found in place of what its revision before did."""
    await connection.execute(
        "DELETE FROM evaluation.finding_occurrence WHERE service_id = $1 AND number = $2", service, number
    )
    if not findings:
        return
    await connection.execute(
        "INSERT INTO evaluation.finding (service_id, id, kind, cause)"
        " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
        *(service, [one.id for one in findings], [one.kind.value for one in findings]),
        [one.cause for one in findings],
    )
    await connection.executemany(
        "INSERT INTO evaluation.finding_occurrence (service_id, finding_id, number, place, record)"
        " VALUES ($1, $2, $3, $4, $5)",
        [(service, one.id, number, place, _json(one)) for place, one in enumerate(findings, 1)],
    )


class PostgresFindingStore:
    """Implements ``FindingStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def list(self, service: str, *, statuses: frozenset[Status], kind: FindingKind | None) -> list[KnownFinding]:
        """Return the findings of a service: of the newest evaluation in their order first, past ones after them."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_LIST, service, sorted(statuses), kind.value if kind else None)
        return [
            KnownFinding(
                newest=FindingSummary.model_validate_json(row["record"]),
                status=row["status"],
                times=row["times"],
                of_evaluations=row["of_evaluations"],
                number=row["number"],
                first_start=row["first_start"],
                last_end=row["last_end"],
            )
            for row in rows
        ]


def _json(one: FindingSummary) -> str:
    return orjson.dumps(one.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()
