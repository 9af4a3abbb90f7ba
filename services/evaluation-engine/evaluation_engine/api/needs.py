"""What a service must send for its KPIs, and a KPI over all services."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import Period, ServiceId
from evaluation_engine.api.state import NeedsOfService, Summaries
from evaluation_engine.errors import UnknownKpiError, UnknownServiceError
from evaluation_engine.service.evaluate.needs import KpiNeeds, NeedState
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.summary import Summary

router = EdgeRouter(prefix="/v1", tags=["results"])

_NEED = {"name": "rating", "source": "feedback", "fields": "feedback.rating (1 to 5)", "state": "arrives"}
_NEEDS = {"service": "parking-permit", "kpis": [{"kpi": "csat", "state": "measured", "needs": [_NEED]}]}
_SUMMARY = {"kpi": "csat", "value": 81.2, "unit": "%", "n": 5120, "of": "3 of 4 services"}


@router.get(
    "/services/{service_id}/needs",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=10.0, example=_NEEDS, errors=(UnknownServiceError,)
    ),
)
async def read_needs(
    request: EdgeRequest, service_id: ServiceId, needs: NeedsOfService, principal: CurrentPrincipal
) -> Response:
    """Return the events and fields that each KPI in use needs, whether they arrive, since when and when last."""
    principal.demand_service(service_id)
    found = await needs.of(principal.body, service_id)
    return etag_response(request, {"service": service_id, "kpis": [_kpi(one) for one in found.kpis]})


@router.get(
    "/summary",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=30.0, example=_SUMMARY, errors=(UnknownKpiError,)
    ),
)
async def read_summary(
    request: EdgeRequest,
    summaries: Summaries,
    principal: CurrentPrincipal,
    kpi: Annotated[str, Query(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Id of a KPI.", examples=["csat"])],
    period: Period = LIVE,
) -> Response:
    """Return a KPI over all services of the body that use it, weighted by volume, and of how many it speaks."""
    found = await summaries.of(principal.body, kpi, period, principal.services)
    return etag_response(request, _summary(found, period))


def _kpi(one: KpiNeeds) -> dict[str, Any]:
    definition = one.definition
    return {
        "kpi": definition.id,
        "version": definition.version,
        "title": dict(definition.title),
        "pack": definition.pack,
        "state": one.state,
        "computable_from": one.computable_from,
        "needs": [_need(need) for need in one.needs],
    }


def _need(one: NeedState) -> dict[str, Any]:
    return {
        "name": one.need.name,
        "source": one.need.source,
        "fields": one.need.fields,
        "state": one.state,
        "since": one.since,
        "last": one.last,
    }


def _summary(found: Summary, period: str) -> dict[str, Any]:
    value = found.value
    return {
        "kpi": found.definition.id,
        "version": found.definition.version,
        "title": dict(found.definition.title),
        "period": period,
        "value": value.value,
        "unit": found.definition.unit,
        "n": value.n,
        "of": value.in_words,
        "counted": value.counted,
        "services_in_use": value.services,
        "interval": {"low": value.bounds.low, "high": value.bounds.high} if value.bounds else None,
        "services": [
            {
                "service": service,
                "state": one.state if one else "no_data",
                "value": one.value if one else None,
                "n": one.n if one else 0,
            }
            for service, one in found.services
        ],
    }
