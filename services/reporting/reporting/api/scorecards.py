"""Scorecards: all KPIs of a service over one period, with targets and redesign verdicts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.edge import (
    CSV,
    READ,
    EdgeRequest,
    EdgeRouter,
    RoutePolicy,
    Scope,
    csv_response,
    etag_response,
    negotiate,
)
from reporting.api.caller import ServiceId, key_of
from reporting.api.tables import HEADER, result_rows
from reporting.errors import NothingEvaluatedError, UnknownServiceError
from reporting.service.read_results import LIVE, ReadResults

Period = Annotated[
    str,
    Query(
        max_length=80,
        description="`live`, a month `YYYY-MM`, a year `YYYY`, or `from/to` as two RFC 3339 instants.",
        examples=["live", "2026-10"],
    ),
]
_EXAMPLE = {
    "service": "residence-certificate",
    "period": {"start": "2026-10-01T00:00:00+03:00", "end": "2026-11-01T00:00:00+02:00", "zone": "Europe/Athens"},
    "results": [{"kpi": "csat", "state": "ok", "value": 81.2, "unit": "%", "n": 512}],
    "targets": [],
    "benchmarks": [],
}


_REDESIGN_EXAMPLE = {"service": "residence-certificate", "number": 3, "revision": 1, "benchmarks": []}
_CLAUSE = ("rule", "level", "critical", "state", "threshold", "observed", "n", "explanation")
_CLAUSES = ("benchmark", "verdict", "draft", *_CLAUSE)


def scorecards_router(read: ReadResults) -> EdgeRouter:
    """Return the routes of scorecards and redesign verdicts."""
    router = EdgeRouter(prefix="/v1", tags=["scorecards"])
    policy = _policy(_EXAMPLE)

    @router.get("/services/{service_id}/scorecard", policy=policy)
    @router.get("/services/{service_id}/scorecard.csv", policy=policy, include_in_schema=False)
    async def read_scorecard(request: EdgeRequest, service_id: ServiceId, period: Period = LIVE) -> Response:
        """Return all KPI results of one period, with targets and benchmarks."""
        media_type = negotiate(request)
        card = await read.scorecard(request.principal, service_id, period, key=key_of(request))
        if media_type == CSV:
            results = [*card["results"], *card.get("cuts", ())]
            rows = result_rows(service_id, results)
            return csv_response(request, HEADER, rows, filename=f"{service_id}-scorecard.csv")
        return etag_response(request, card)

    @router.get("/services/{service_id}/redesign", policy=_policy(_REDESIGN_EXAMPLE))
    @router.get("/services/{service_id}/redesign.csv", policy=policy, include_in_schema=False)
    async def read_redesign(request: EdgeRequest, service_id: ServiceId) -> Response:
        """Return the verdicts of the redesign benchmarks for the newest closed period, clause by clause."""
        media_type = negotiate(request)
        record = (await read.redesign(request.principal, service_id)).record
        benchmarks = [benchmark.model_dump(mode="json") for benchmark in record.benchmarks]
        if media_type == CSV:
            return csv_response(request, _CLAUSES, _clause_rows(benchmarks), filename=f"{service_id}-redesign.csv")
        period = record.period.model_dump(mode="json")
        answer = {"service": service_id, "number": record.number, "revision": record.revision, "period": period}
        return etag_response(request, {**answer, "benchmarks": benchmarks})

    return router


def _policy(example: dict[str, Any]) -> RoutePolicy:
    return RoutePolicy(
        permission=Scope.READ,
        limit=READ,
        body_cap=0,
        timeout=10.0,
        example=example,
        errors=(UnknownServiceError, NothingEvaluatedError),
        requires=("postgresql",),
    )


def _clause_rows(benchmarks: list[dict[str, Any]]) -> list[list[Any]]:
    return [
        [benchmark["benchmark"], benchmark["verdict"], benchmark["draft"], *(clause[name] for name in _CLAUSE)]
        for benchmark in benchmarks
        for clause in benchmark["clauses"]
    ]
