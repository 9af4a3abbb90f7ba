"""Phrases that nobody foresaw, over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import Period, ServiceId
from evaluation_engine.api.state import PhrasesOfService
from evaluation_engine.api.themes import QuotesFor, period_shown
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.phrasing import Comparison, QuotedPhrase
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.themes import MOST_COMMENTS

router = EdgeRouter(prefix="/v1", tags=["results"])

_PHRASE = {
    "phrase": "phrase.en.5b1c09e2aa41",
    "name": "signature pad",
    "language": "en",
    "n": 14,
    "of": 134,
    "other_n": 0,
    "other_of": 120,
    "log_odds": 2.1,
    "z": 3.4,
    "q_value": 0.004,
    "theme": None,
    "quotes": [],
}
_EXAMPLE = {
    "service": "parking-permit",
    "most_comments": 2000,
    "against_before": {"comments": 134, "others": 120, "phrases": [_PHRASE]},
    "low_against_high": {"comments": 30, "others": 80, "phrases": []},
}


@router.get(
    "/services/{service_id}/phrases",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=15.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def list_phrases(
    request: EdgeRequest,
    service_id: ServiceId,
    desk: PhrasesOfService,
    principal: CurrentPrincipal,
    period: Period = LIVE,
) -> Response:
    """Return phrases of ten comments or more that stand out: against earlier periods, and in low scores against high.

    They are looked for in the newest 2,000 comments of the period and of the year or so before it.
    """
    principal.demand_service(service_id)
    found = await desk.of(principal.body, service_id, period)
    quotes = QuotesFor(principal.may(Scope.STEWARD), found.released)
    shown = {
        "service": service_id,
        "period": period_shown(found.period),
        "before": period_shown(found.before),
        "most_comments": MOST_COMMENTS,
        "against_before": _compared(found.against_before, quotes),
        "low_against_high": _compared(found.low_against_high, quotes),
    }
    return etag_response(request, shown)


def _compared(found: Comparison, quotes: QuotesFor) -> dict[str, Any]:
    phrases = [_phrase(one, quotes) for one in found.phrases]
    return {"comments": found.comments, "others": found.others, "phrases": phrases}


def _phrase(one: QuotedPhrase, quotes: QuotesFor) -> dict[str, Any]:
    phrase = one.phrase
    return {
        "phrase": phrase.id,
        "name": phrase.name,
        "language": phrase.language,
        "n": phrase.n,
        "of": phrase.of,
        "other_n": phrase.other_n,
        "other_of": phrase.other_of,
        "log_odds": phrase.log_odds,
        "z": phrase.z,
        "q_value": phrase.q,
        "theme": phrase.theme,
        "quotes": quotes.shown(one.quotes),
    }
