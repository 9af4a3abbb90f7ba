"""Problems that monitoring found, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import Problems
from evaluation_engine.errors import UnknownServiceError

router = EdgeRouter(prefix="/v1", tags=["problems"])

_EXAMPLE: dict[str, Any] = {"service": "parking-permit", "problems": [], "watching": [], "next": None}


@router.get(
    "/services/{service_id}/problems",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=5.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def list_problems(
    request: EdgeRequest,
    service_id: ServiceId,
    problems: Problems,
    principal: CurrentPrincipal,
    state: Annotated[Literal["open", "all"], Query(description="Closed ones too?")] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Id that the page before ended with.")] = None,
) -> Response:
    """Return problems, newest first, and the burn rates that are watched with their state at the last tick."""
    principal.demand_service(service_id)
    found, watching = await problems.of(
        principal.body, service_id, open_only=state == "open", before=before, limit=limit
    )
    body: dict[str, Any] = {
        "service": service_id,
        "problems": [asdict(one) for one in found],
        "watching": [{"subject": subject, "tick": one.tick, **one.memory} for subject, one in sorted(watching.items())],
        "next": found[-1].id if len(found) == limit else None,
    }
    return etag_response(request, body)
