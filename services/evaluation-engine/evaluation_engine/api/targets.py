"""Targets with their verdict, their trend and whether they are due for review, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import ScorecardDesk, TargetTrends
from evaluation_engine.domain.target import Target
from evaluation_engine.domain.trend import Course
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.scorecard import Scorecard
from evaluation_engine.service.evaluate.trends import with_course

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {"service": "parking-permit", "targets": [{"target": "csat-80", "verdict": "met", "at_risk": False}]}


@router.get(
    "/services/{service_id}/targets",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=10.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def read_targets(
    request: EdgeRequest,
    service_id: ServiceId,
    scorecards: ScorecardDesk,
    trends: TargetTrends,
    principal: CurrentPrincipal,
) -> Response:
    """Return every target with its verdict, whether the trend of the last periods puts it at risk, and if it is stale.

    Verdicts are those of the newest scheduled evaluation that is stored, else of the live status.
    """
    principal.demand_service(service_id)
    card = await scorecards.newest(principal.body, service_id)
    past = await trends.of(card.yardstick)
    return etag_response(request, _shown(card, past.courses))


def _shown(card: Scorecard, courses: Mapping[str, Course]) -> dict[str, Any]:
    set_by = {one.id: one for one in card.yardstick.targets}
    return {
        "service": card.record.service,
        "source": card.source,
        **card.record.model_dump(mode="json", include={"number", "revision", "period", "as_of"}),
        "targets": [
            {
                **with_course(one, courses).model_dump(mode="json"),
                **_origin(set_by.get(one.target)),
                "course": asdict(courses[one.target]) if one.target in courses else None,
            }
            for one in card.record.targets
        ],
    }


def _origin(target: Target | None) -> dict[str, Any]:
    if target is None:
        return {"origin": None, "by": None, "review_by": None}
    return {"origin": target.origin, "by": target.by, "review_by": target.review_by}
