"""Results for those who hold a key: services, scorecards, series, evaluations, redesign verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from civiloop_shared.auth.principal import Principal
from civiloop_shared.contracts.catalogue import ServiceDefined
from reporting.domain.period import month_bounds
from reporting.errors import NothingEvaluatedError, UnknownServiceError
from reporting.ports import Computation, ResultsStore, StoredFinding, StoredRecord

LIVE = "live"
_STATUSES = {
    "open": frozenset({"new", "recurring"}),
    "new": frozenset({"new"}),
    "recurring": frozenset({"recurring"}),
    "past": frozenset({"past"}),
    "all": frozenset({"new", "recurring", "past"}),
}


@dataclass(frozen=True, slots=True)
class ReadResults:
    """What is stored is shown as it is; anything else is computed by the engine with the caller's key."""

    store: ResultsStore
    computation: Computation

    async def services(self, caller: Principal, *, limit: int, after: str | None) -> list[ServiceDefined]:
        """Return the services of the caller's body that the key is good for, by id."""
        found = await self.store.services(body=caller.body, limit=limit, after=after)
        return [service for service in found if caller.may_touch(service.id)]

    async def service(self, caller: Principal, service_id: str) -> ServiceDefined:
        """Return a service; raise ``UnknownServiceError`` for another body's too."""
        service = await self.store.service(service_id, body=caller.body)
        if service is None:
            raise UnknownServiceError
        caller.demand_service(service_id)
        return service

    async def scorecard(self, caller: Principal, service_id: str, period: str, *, key: str) -> dict[str, Any]:
        """Return the scorecard of a period: live, a closed month as evaluated, or computed for any other."""
        service = await self.service(caller, service_id)
        stored = await self._stored(service, period)
        if stored is not None:
            return _scorecard(service, period, stored)
        if period == LIVE:
            raise NothingEvaluatedError
        return await self.computation.scorecard(service_id, period, key=key)

    async def _stored(self, service: ServiceDefined, period: str) -> StoredRecord | None:
        if period == LIVE:
            return await self.store.live(service.id)
        bounds = month_bounds(period, service.zone)
        return await self.store.evaluation_of(service.id, *bounds) if bounds else None

    async def series(
        self, caller: Principal, service_id: str, kpi: str, query: dict[str, str], *, key: str
    ) -> dict[str, Any]:
        """Return one KPI over time, computed from aggregates."""
        await self.service(caller, service_id)
        return await self.computation.series(service_id, kpi, query, key=key)

    async def evaluations(
        self, caller: Principal, service_id: str, *, all_revisions: bool, limit: int, before: int | None
    ) -> list[StoredRecord]:
        """Return the stored evaluations, newest first."""
        await self.service(caller, service_id)
        return await self.store.evaluations(service_id, all_revisions=all_revisions, limit=limit, before=before)

    async def findings(
        self, caller: Principal, service_id: str, *, status: str, kind: str | None
    ) -> list[StoredFinding]:
        """Return the findings of a service, the weightiest first."""
        await self.service(caller, service_id)
        return await self.store.findings(service_id, statuses=_STATUSES[status], kind=kind)

    async def redesign(self, caller: Principal, service_id: str) -> StoredRecord:
        """Return the evaluation of the latest closed period, which holds the benchmarks' verdicts."""
        await self.service(caller, service_id)
        found = await self.store.closed_periods(service_id, limit=1)
        if not found:
            raise NothingEvaluatedError
        return found[0]


def _scorecard(service: ServiceDefined, period: str, stored: StoredRecord) -> dict[str, Any]:
    record = stored.record.model_dump(mode="json")
    return {
        "service": service.id,
        "title": dict(service.title),
        "asked_period": period,
        "stored_at": stored.stored_at,
        **{name: value for name, value in record.items() if name not in {"service", "body"}},
    }
