"""Comment themes over HTTP, with quotes for the inside."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import Period, ServiceId
from evaluation_engine.api.state import ThemesOfService
from evaluation_engine.domain.comments.quotes import Quote
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.record import instant
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.themes import Themes

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {
    "service": "parking-permit",
    "comments": 212,
    "languages": {"el": 150, "en": 62},
    "themes": [
        {
            "theme": "payment",
            "title": {"en": "Payment", "el": "Πληρωμή"},
            "n": 48,
            "share": 0.226,
            "mean": 1.6,
            "overall_mean": 3.4,
            "impact": 0.41,
            "state": "rising",
            "quotes": [
                {"text": "The payment page froze twice.", "language": "en", "publishable": False},
            ],
        }
    ],
}


@router.get(
    "/services/{service_id}/themes",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=15.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def list_themes(
    request: EdgeRequest,
    service_id: ServiceId,
    desk: ThemesOfService,
    principal: CurrentPrincipal,
    period: Period = LIVE,
) -> Response:
    """Return what people write about, the costliest first. Quotes are masked, and not for publication."""
    principal.demand_service(service_id)
    return etag_response(request, _shown(service_id, await desk.of(principal.body, service_id, period)))


def _shown(service: str, found: Themes) -> dict[str, Any]:
    period = found.period
    return {
        "service": service,
        "period": {"start": instant(period.start_ms), "end": instant(period.end_ms), "zone": period.zone},
        "comments": found.comments,
        "languages": found.languages,
        "themes": [
            {**one.result.model_dump(mode="json"), "quotes": [_quote(quote) for quote in one.quotes]}
            for one in found.themes
        ],
    }


def _quote(quote: Quote) -> dict[str, Any]:
    return {"text": quote.text, "language": quote.language, "publishable": quote.publishable}
