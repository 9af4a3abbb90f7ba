"""Quotes over HTTP: released for publication by a person, withdrawn, listed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from civiloop_shared.contracts.values import Identifier
from civiloop_shared.edge import (
    KIB,
    MANAGE,
    READ,
    CurrentPrincipal,
    EdgeRequest,
    EdgeRouter,
    RoutePolicy,
    Scope,
    etag_response,
)
from evaluation_engine.api.results import PeriodText, ServiceId
from evaluation_engine.api.state import QuotesOfService
from evaluation_engine.errors import UnknownQuoteError, UnknownServiceError
from evaluation_engine.ports.comments import Release
from evaluation_engine.service.evaluate.quoting import Wish
from evaluation_engine.service.evaluate.scorecard import LIVE

router = EdgeRouter(prefix="/v1", tags=["results"])

QuoteId = Annotated[str, Path(pattern=r"^([0-9a-f]{2}){16,32}$", description="Id of a quote, as its theme shows it.")]
_Reason = Annotated[str, StringConstraints(min_length=3, max_length=300, pattern=r"^[^\x00-\x1f]+$")]

_EXAMPLE = {
    "service": "parking-permit",
    "quotes": [{"theme": "payment", "text": "The payment page froze twice.", "language": "en", "public": True}],
}
_ORDER = {"theme": "payment", "period": "2026-10", "reason": "for the annual report"}


class QuoteReleaseIn(BaseModel):
    """The theme and the period that the quote was seen in, and why it is released: without words of the quote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: Identifier
    period: PeriodText = LIVE
    reason: _Reason


class QuoteWithdrawalIn(BaseModel):
    """Why it is withdrawn: without words of the quote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: _Reason


def _decide(example: Any) -> RoutePolicy:
    return RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=4 * KIB,
        timeout=10.0,
        example=example,
        errors=(UnknownServiceError, UnknownQuoteError),
    )


@router.get(
    "/services/{service_id}/quotes",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=5.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def list_quotes(
    request: EdgeRequest, service_id: ServiceId, desk: QuotesOfService, principal: CurrentPrincipal
) -> Response:
    """Return the quotes that are public, newest first; with the scope `steward` also who released or withdrew which."""
    principal.demand_service(service_id)
    found = await desk.of(principal.body, service_id)
    inside = principal.may(Scope.STEWARD)
    shown = [_inside(one) if inside else _public(one) for one in found if inside or one.public]
    return etag_response(request, {"service": service_id, "quotes": shown})


@router.post("/services/{service_id}/quotes/{quote_id}/release", status_code=204, policy=_decide(_ORDER))
async def release_quote(
    service_id: ServiceId, quote_id: QuoteId, order: QuoteReleaseIn, desk: QuotesOfService, principal: CurrentPrincipal
) -> Response:
    """Release a quote for publication. Your key, the time and the reason are kept."""
    principal.demand_service(service_id)
    wish = Wish(quote_id, order.theme, order.period)
    await desk.release(principal.body, service_id, wish, by=principal.key_id, reason=order.reason)
    return Response(status_code=204)


@router.post(
    "/services/{service_id}/quotes/{quote_id}/withdraw", status_code=204, policy=_decide({"reason": "asked by mail"})
)
async def withdraw_quote(
    service_id: ServiceId,
    quote_id: QuoteId,
    order: QuoteWithdrawalIn,
    desk: QuotesOfService,
    principal: CurrentPrincipal,
) -> Response:
    """Take a quote back from publication. Your key, the time and the reason are kept."""
    principal.demand_service(service_id)
    await desk.withdraw(principal.body, service_id, quote_id, by=principal.key_id, reason=order.reason)
    return Response(status_code=204)


def _public(one: Release) -> dict[str, Any]:
    return {
        "theme": one.theme,
        "text": one.text,
        "language": one.language,
        "public": one.public,
        "released_at": one.released_at,
    }


def _inside(one: Release) -> dict[str, Any]:
    return {
        **_public(one),
        "id": one.key,
        "released_by": {"key": one.released_by, "label": one.released_label},
        "reason": one.reason,
        "withdrawn_at": one.withdrawn_at,
        "withdrawn_by": one.withdrawn_by and {"key": one.withdrawn_by, "label": one.withdrawn_label},
        "withdrawn_because": one.withdrawn_because,
    }
