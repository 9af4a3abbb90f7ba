"""Stored evaluations: numbered, and revised when late data changes them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.edge import (
    CSV,
    READ,
    EdgeRequest,
    EdgeRouter,
    PageCursor,
    RoutePolicy,
    Scope,
    csv_response,
    decode_cursor,
    etag_response,
    negotiate,
    page_of,
)
from reporting.api.caller import ServiceId
from reporting.api.tables import HEADER, result_rows
from reporting.errors import UnknownServiceError
from reporting.service.read_results import ReadResults

_EXAMPLE = {"items": [{"number": 3, "revision": 1, "closed": True, "results": []}], "next": None}
_POLICY = RoutePolicy(
    permission=Scope.READ,
    limit=READ,
    body_cap=0,
    timeout=10.0,
    example=_EXAMPLE,
    errors=(UnknownServiceError,),
    requires=("postgresql",),
)
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Revisions = Annotated[bool, Query(description="Also the revisions that a later one replaced.")]


def evaluations_router(read: ReadResults) -> EdgeRouter:
    """Return the routes of evaluations."""
    router = EdgeRouter(prefix="/v1", tags=["evaluations"])

    @router.get("/services/{service_id}/evaluations", policy=_POLICY)
    @router.get("/services/{service_id}/evaluations.csv", policy=_POLICY, include_in_schema=False)
    async def list_evaluations(
        request: EdgeRequest,
        service_id: ServiceId,
        limit: Limit = 12,
        cursor: PageCursor = None,
        revisions: Revisions = False,
    ) -> Response:
        """List the evaluations of a service, newest first."""
        media_type = negotiate(request)
        before = int(decode_cursor(cursor, (int,))[0]) if cursor else None
        found = await read.evaluations(
            request.principal, service_id, all_revisions=revisions, limit=limit + 1, before=before
        )
        page = page_of(found, limit, lambda one: (one.record.number,))
        items = [{**one.record.model_dump(mode="json"), "stored_at": one.stored_at} for one in page.items]
        if media_type == CSV:
            rows = (row for item in items for row in result_rows(service_id, item["results"]))
            return csv_response(request, HEADER, rows, filename=f"{service_id}-evaluations.csv")
        return etag_response(request, {"items": items, "next": page.next})

    return router
