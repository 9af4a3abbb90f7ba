"""Comment themes over HTTP, with quotes: all of them for stewards, for others those that were released."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import Period, ServiceId
from evaluation_engine.api.state import ThemesOfService
from evaluation_engine.domain.buckets import Period as DomainPeriod
from evaluation_engine.domain.comments.quotes import Quote
from evaluation_engine.domain.instants import instant
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.themes import Themes

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {
    "service": "parking-permit",
    "comments": 212,
    "languages": {"el": 150, "en": 62},
    "taxonomy": {"version": 2, "digest": "5b1c09e2aa41", "newest": 212, "outdated": 0},
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
                {
                    "id": "9f2c4e8a6b0d1f3e5a7c9b8d0e2f4a6c",
                    "text": "The payment page froze twice.",
                    "language": "en",
                    "publishable": False,
                },
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
    """Return what people write about, the costliest first. Quotes are masked; who isn't a steward sees public ones.

    `outdated` of the `newest` comments, which quotes are taken from, were read with another taxonomy: a rebuild of
    their months reads them again.
    """
    principal.demand_service(service_id)
    found = await desk.of(principal.body, service_id, period)
    quotes = QuotesFor(principal.may(Scope.STEWARD), found.released)
    return etag_response(request, _shown(service_id, found, quotes))


@dataclass(frozen=True, slots=True)
class QuotesFor:
    """Shows quotes to a caller: to stewards all, to others those in ``released``."""

    steward: bool
    released: frozenset[str]

    def shown(self, quotes: Iterable[Quote]) -> list[dict[str, Any]]:
        """Return what the caller may see."""
        return [self._quote(one) for one in quotes if self.steward or one.key in self.released]

    def _quote(self, quote: Quote) -> dict[str, Any]:
        public = quote.key in self.released
        shown = {"text": quote.text, "language": quote.language, "publishable": public}
        return {"id": quote.key, **shown} if self.steward else shown


def period_shown(period: DomainPeriod) -> dict[str, Any]:
    """Return a period as instants."""
    return {"start": instant(period.start_ms), "end": instant(period.end_ms), "zone": period.zone}


def _shown(service: str, found: Themes, quotes: QuotesFor) -> dict[str, Any]:
    return {
        "service": service,
        "period": period_shown(found.period),
        "comments": found.comments,
        "languages": found.languages,
        "taxonomy": {
            "version": found.book.version,
            "digest": found.book.digest,
            "newest": found.newest,
            "outdated": found.outdated,
        },
        "themes": [{**one.result.model_dump(mode="json"), "quotes": quotes.shown(one.quotes)} for one in found.themes],
    }
