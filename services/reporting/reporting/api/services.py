"""The services that a key may read."""

from __future__ import annotations

from starlette.responses import Response

from civiloop_shared.edge import (
    CSV,
    READ,
    EdgeRequest,
    EdgeRouter,
    PageCursor,
    PageLimit,
    RoutePolicy,
    Scope,
    csv_response,
    decode_cursor,
    etag_response,
    negotiate,
    page_of,
)
from reporting.service.read_results import ReadResults

_EXAMPLE = {
    "items": [{"id": "residence-certificate", "title": {"en": "Residence certificate"}, "zone": "Europe/Athens"}],
    "next": None,
}
_POLICY = RoutePolicy(
    permission=Scope.READ, limit=READ, body_cap=0, timeout=5.0, example=_EXAMPLE, errors=(), requires=("postgresql",)
)


def services_router(read: ReadResults) -> EdgeRouter:
    """Return the routes of services."""
    router = EdgeRouter(prefix="/v1", tags=["services"])

    @router.get("/services", policy=_POLICY)
    @router.get("/services.csv", policy=_POLICY, include_in_schema=False)
    async def list_services(request: EdgeRequest, limit: PageLimit = 100, cursor: PageCursor = None) -> Response:
        """List the services of the key's body, by id."""
        media_type = negotiate(request)
        after = str(decode_cursor(cursor, (str,))[0]) if cursor else None
        found = await read.services(request.principal, limit=limit + 1, after=after)
        page = page_of(found, limit, lambda service: (service.id,))
        if media_type == CSV:
            rows = ([s.id, s.body, s.title.get("en", ""), s.zone, s.version] for s in page.items)
            return csv_response(request, ("id", "body", "title", "zone", "version"), rows, filename="services.csv")
        items = [service.model_dump(mode="json") for service in page.items]
        return etag_response(request, {"items": items, "next": page.next})

    return router
