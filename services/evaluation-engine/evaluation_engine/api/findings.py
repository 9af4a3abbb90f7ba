"""Findings over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.contracts.evaluations import FindingKind
from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import FindingsDesk
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.ports.findings import KnownFinding
from evaluation_engine.service.evaluate.knowing import Asked

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {
    "service": "parking-permit",
    "findings": [
        {
            "id": "hot-step-5b1c09e2aa",
            "kind": "hot_step",
            "tone": "problem",
            "cause": "step=payment",
            "statement": "At the step “payment” 78 of 879 journeys were given up (8.9 %, before 3.1 %): …",
            "status": "recurring",
            "times": 3,
            "of_evaluations": 6,
        }
    ],
}


@router.get(
    "/services/{service_id}/findings",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=10.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def list_findings(
    request: EdgeRequest,
    service_id: ServiceId,
    findings: FindingsDesk,
    principal: CurrentPrincipal,
    status: Annotated[
        Asked,
        Query(description="`open` (new or recurring) in the newest evaluation, `past` in earlier ones only."),
    ] = "open",
    kind: Annotated[FindingKind | None, Query()] = None,
) -> Response:
    """Return causes, patterns and opportunities, the weightiest first; the same cause in k evaluations is one."""
    principal.demand_service(service_id)
    found = await findings.of(principal.body, service_id, status, kind)
    return etag_response(request, {"service": service_id, "findings": [_shown(one) for one in found]})


def _shown(one: KnownFinding) -> dict[str, Any]:
    return {
        **one.newest.model_dump(mode="json"),
        "status": one.status,
        "times": one.times,
        "of_evaluations": one.of_evaluations,
        "number": one.number,
        "first_start": one.first_start,
        "last_end": one.last_end,
    }
