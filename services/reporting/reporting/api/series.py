"""One KPI over time."""

from __future__ import annotations

from typing import Annotated, Literal

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
from reporting.api.caller import KpiId, ServiceId, key_of
from reporting.api.tables import HEADER, result_rows
from reporting.errors import UnknownKpiError, UnknownServiceError
from reporting.service.read_results import ReadResults

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,16}(Z|[+-][0-9]{2}:[0-9]{2}))?$"
From = Annotated[str | None, Query(alias="from", pattern=_INSTANT, description="First day or instant, inclusive.")]
To = Annotated[str | None, Query(pattern=_INSTANT, description="Last day or instant, exclusive.")]
Every = Annotated[Literal["quarter_hour", "hour", "day", "week", "month"], Query(description="Length of a point.")]
By = Annotated[
    str | None,
    Query(
        pattern=r"^(channel|step|language|assisted|segment\.[a-z][a-z0-9-]{1,62})$",
        description="Dimension to split by.",
    ),
]
_EXAMPLE = {
    "service": "residence-certificate",
    "kpi": "csat",
    "every": "month",
    "by": None,
    "points": [{"kpi": "csat", "cut": "", "state": "ok", "value": 81.2, "unit": "%", "n": 512}],
}
_POLICY = RoutePolicy(
    permission=Scope.READ,
    limit=READ,
    body_cap=0,
    timeout=15.0,
    example=_EXAMPLE,
    errors=(UnknownServiceError, UnknownKpiError),
    requires=("postgresql",),
)


def series_router(read: ReadResults) -> EdgeRouter:
    """Return the routes of series."""
    router = EdgeRouter(prefix="/v1", tags=["series"])

    @router.get("/services/{service_id}/kpis/{kpi}/series", policy=_POLICY)
    @router.get("/services/{service_id}/kpis/{kpi}/series.csv", policy=_POLICY, include_in_schema=False)
    async def read_series(
        request: EdgeRequest,
        service_id: ServiceId,
        kpi: KpiId,
        from_: From = None,
        to: To = None,
        every: Every = "month",
        by: By = None,
    ) -> Response:
        """Return a KPI for each period between two instants, in total or split by a dimension."""
        media_type = negotiate(request)
        asked = {"from": from_, "to": to, "every": every, "by": by}
        query = {name: value for name, value in asked.items() if value is not None}
        answer = await read.series(request.principal, service_id, kpi, query, key=key_of(request))
        if media_type == CSV:
            rows = result_rows(service_id, answer["points"])
            return csv_response(request, HEADER, rows, filename=f"{service_id}-{kpi}.csv")
        return etag_response(request, answer)

    return router
