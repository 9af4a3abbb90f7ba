"""Findings: what the evaluations of a service found, one for each cause."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.contracts.evaluations import FindingKind
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
from reporting.api.caller import ServiceId
from reporting.errors import UnknownServiceError
from reporting.ports import StoredFinding
from reporting.service.read_results import ReadResults

Status = Annotated[
    Literal["open", "new", "recurring", "past", "all"],
    Query(description="`open` (new or recurring) in the newest evaluation, `past` in earlier ones only."),
]
Kind = Annotated[FindingKind | None, Query(description="Only findings of this kind.")]
_EXAMPLE = {
    "service": "residence-certificate",
    "findings": [
        {
            "id": "hot-step-5b1c09e2aa",
            "kind": "hot_step",
            "statement": "At the step “payment” 78 of 879 journeys were given up (8.9 %, before 3.1 %): …",
            "status": "recurring",
            "times": 3,
            "of_evaluations": 6,
        }
    ],
}
_POLICY = RoutePolicy(
    permission=Scope.READ,
    limit=READ,
    body_cap=0,
    timeout=10.0,
    example=_EXAMPLE,
    errors=(UnknownServiceError,),
    requires=("postgresql",),
)
_FOUND = ("id", "kind", "tone", "cause", "statement", "kpi", "cut", "people")
_TEST = ("method", "p_value", "q_value")
_FOLLOWED = ("status", "times", "of_evaluations", "number", "first_start", "last_end")
_HEADER = ("service", *_FOUND, "period_start", "period_end", *_TEST, *_FOLLOWED, "link")


def findings_router(read: ReadResults) -> EdgeRouter:
    """Return the routes of findings."""
    router = EdgeRouter(prefix="/v1", tags=["findings"])

    @router.get("/services/{service_id}/findings", policy=_POLICY)
    @router.get("/services/{service_id}/findings.csv", policy=_POLICY, include_in_schema=False)
    async def list_findings(
        request: EdgeRequest, service_id: ServiceId, status: Status = "open", kind: Kind = None
    ) -> Response:
        """Return causes, patterns and opportunities, the weightiest first."""
        media_type = negotiate(request)
        found = await read.findings(request.principal, service_id, status=status, kind=kind.value if kind else None)
        shown = [_shown(one) for one in found]
        if media_type == CSV:
            rows = (_row(service_id, one) for one in shown)
            return csv_response(request, _HEADER, rows, filename=f"{service_id}-findings.csv")
        return etag_response(request, {"service": service_id, "findings": shown})

    return router


def _shown(one: StoredFinding) -> dict[str, Any]:
    return {
        **one.newest.model_dump(mode="json"),
        "status": one.status,
        "times": one.times,
        "of_evaluations": one.of_evaluations,
        "number": one.number,
        "first_start": one.first_start,
        "last_end": one.last_end,
    }


def _row(service: str, one: dict[str, Any]) -> list[Any]:
    period = one["period"]
    return [
        service,
        *(one[name] for name in _FOUND),
        *(period["start"], period["end"]),
        *(one[name] for name in (*_TEST, *_FOLLOWED)),
        one["link"],
    ]
