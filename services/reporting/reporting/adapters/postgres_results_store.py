"""Reads the views of schema ``reporting_v1``, under a role that can only select."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.evaluations import EvaluationRecorded, FindingSummary
from civiloop_shared.postgres.engine import acquire
from reporting.ports import PublicService, StoredFinding, StoredRecord

if TYPE_CHECKING:
    from asyncpg import Pool

_SERVICES = """
    SELECT definition FROM reporting_v1.service
    WHERE ($1::text IS NULL OR body_id = $1) AND id > $2 AND NOT retired ORDER BY id LIMIT $3
"""
_SERVICE = "SELECT definition FROM reporting_v1.service WHERE id = $1 AND ($2::text IS NULL OR body_id = $2)"
_LIVE = "SELECT record, computed_at AS stored_at FROM reporting_v1.live_status WHERE service_id = $1"
_PUBLIC = """
    SELECT definition, coalesce(body_title, '{}') AS body_title FROM reporting_v1.service
    WHERE NOT retired ORDER BY body_id, id LIMIT $1
"""
_EVALUATIONS = """
    SELECT record, created_at AS stored_at FROM reporting_v1.evaluation
    WHERE service_id = $1 AND (newest OR $2) AND ($3::bigint IS NULL OR number < $3)
    ORDER BY number DESC, revision DESC LIMIT $4
"""
_CLOSED = """
    SELECT e.record, e.created_at AS stored_at
    FROM reporting_v1.evaluation e JOIN reporting_v1.service s ON s.id = e.service_id
    WHERE e.service_id = $1 AND e.newest AND e.closed AND e.cycle = s.document ->> 'evaluation_cycle'
    ORDER BY e.period_start DESC LIMIT $2
"""
_EVALUATION_OF = """
    SELECT record, created_at AS stored_at FROM reporting_v1.evaluation
    WHERE service_id = $1 AND period_start = $2 AND period_end = $3 AND newest AND closed
    ORDER BY created_at DESC LIMIT 1
"""
_FINDINGS = """
    SELECT record, status, times, of_evaluations, number, first_start, last_end FROM reporting_v1.finding
    WHERE service_id = $1 AND status = ANY($2) AND ($3::text IS NULL OR kind = $3)
    ORDER BY (status = 'past'), last_end DESC, place
"""


@dataclass(frozen=True, slots=True)
class PostgresResultsStore:
    """``ResultsStore`` on PostgreSQL."""

    pool: Pool[Any]

    async def services(self, *, body: str | None, limit: int, after: str | None) -> list[ServiceDefined]:
        """Return the services in use, by id."""
        async with acquire(self.pool) as connection:
            rows = await connection.fetch(_SERVICES, body, after or "", limit)
        return [ServiceDefined.model_validate_json(row["definition"]) for row in rows]

    async def public_services(self, *, limit: int) -> list[PublicService]:
        """Return the services in use of all bodies, by body and id."""
        async with acquire(self.pool) as connection:
            rows = await connection.fetch(_PUBLIC, limit)
        return [
            PublicService(ServiceDefined.model_validate_json(row["definition"]), orjson.loads(row["body_title"]))
            for row in rows
        ]

    async def service(self, service: str, *, body: str | None) -> ServiceDefined | None:
        """Return one service, also a retired one."""
        async with acquire(self.pool) as connection:
            row = await connection.fetchrow(_SERVICE, service, body)
        return ServiceDefined.model_validate_json(row["definition"]) if row else None

    async def live(self, service: str) -> StoredRecord | None:
        """Return the live state."""
        async with acquire(self.pool) as connection:
            row = await connection.fetchrow(_LIVE, service)
        return _stored(row) if row else None

    async def evaluations(
        self, service: str, *, all_revisions: bool, limit: int, before: int | None
    ) -> list[StoredRecord]:
        """Return evaluations, highest number first."""
        async with acquire(self.pool) as connection:
            rows = await connection.fetch(_EVALUATIONS, service, all_revisions, before, limit)
        return [_stored(row) for row in rows]

    async def closed_periods(self, service: str, *, limit: int) -> list[StoredRecord]:
        """Return the closed periods of the service's own cycle, latest first: what was evaluated on demand is none."""
        async with acquire(self.pool) as connection:
            rows = await connection.fetch(_CLOSED, service, limit)
        return [_stored(row) for row in rows]

    async def evaluation_of(self, service: str, start: datetime, end: datetime) -> StoredRecord | None:
        """Return the newest revision for exactly this period."""
        async with acquire(self.pool) as connection:
            row = await connection.fetchrow(_EVALUATION_OF, service, start, end)
        return _stored(row) if row else None

    async def findings(self, service: str, *, statuses: frozenset[str], kind: str | None) -> list[StoredFinding]:
        """Return one for each cause, the weightiest first."""
        async with acquire(self.pool) as connection:
            rows = await connection.fetch(_FINDINGS, service, sorted(statuses), kind)
        return [
            StoredFinding(
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


def _stored(row: Any) -> StoredRecord:
    return StoredRecord(EvaluationRecorded.model_validate_json(row["record"]), row["stored_at"])
