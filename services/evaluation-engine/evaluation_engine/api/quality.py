"""Data quality over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import Period, ServiceId
from evaluation_engine.api.state import Qualities
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.quality.checks import Check
from evaluation_engine.domain.quality.respondents import Comparison
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.quality import Quality
from evaluation_engine.service.evaluate.scorecard import LIVE

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {
    "service": "parking-permit",
    "checks": [
        {
            "check": "impossible_order",
            "about": "journeys",
            "state": "ok",
            "statement": "No journey ends before it starts.",
            "numbers": {"journeys": 512, "faults": 0, "share": 0.0},
        }
    ],
    "out_of_order": [{"kind": "after_end", "step": "survey", "journeys": 14}],
    "response": {"answers": 210, "users": 480, "rate": 0.4375},
    "respondents": [],
}


@router.get(
    "/services/{service_id}/quality",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=15.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def read_quality(
    request: EdgeRequest,
    service_id: ServiceId,
    qualities: Qualities,
    principal: CurrentPrincipal,
    period: Period = LIVE,
) -> Response:
    """Return what can't be trusted in the numbers of a service, and whom its answers speak for."""
    principal.demand_service(service_id)
    found = await qualities.of(principal.body, service_id, period)
    return etag_response(request, _shown(service_id, found))


def _shown(service: str, found: Quality) -> dict[str, Any]:
    period = found.period
    return {
        "service": service,
        "period": {"start": instant(period.start_ms), "end": instant(period.end_ms), "zone": period.zone},
        "checks": [_check(one) for one in found.checks],
        "out_of_order": [{"kind": one.kind, "step": one.step, "journeys": one.journeys} for one in found.out_of_order],
        "response": {
            "answers": found.answers,
            "users": found.users,
            "rate": found.answers / found.users if found.users else None,
        },
        "respondents": [_comparison(one) for one in found.respondents],
    }


def _check(one: Check) -> dict[str, Any]:
    return {
        "check": one.check,
        "about": one.about,
        "state": one.state,
        "statement": one.statement,
        "numbers": dict(one.numbers),
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "dimension": one.dimension,
        "users": one.users,
        "answers": one.answers,
        "differs": one.large,
        "p_value": one.p_value,
        "satisfied_share": one.satisfied,
        "satisfied_share_weighted": one.weighted,
        "groups": [
            {
                "cut": group.cut,
                "users": group.users,
                "answers": group.answers,
                "user_share": group.user_share,
                "answer_share": group.answer_share,
                "standardised_difference": group.difference,
            }
            for group in one.groups
        ],
    }
