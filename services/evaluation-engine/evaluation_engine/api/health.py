"""The health card of a service, over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import HealthOfService
from evaluation_engine.domain.health.answer import Answered
from evaluation_engine.domain.health.flavours import Flavour, Measured
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.health import HealthCard

router = EdgeRouter(prefix="/v1", tags=["results"])

_AIM = {
    "aim": "acceptance",
    "question": "Do people accept it and are they satisfied?",
    "answer": "partly",
    "because": "1 of 2 targets of satisfaction and digital take-up are met",
    "query": "/v1/services/parking-permit/targets",
}
_EXAMPLE = {"service": "parking-permit", "stands_at": "improve", "aims": [_AIM]}


@router.get(
    "/services/{service_id}/health",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=10.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def read_health(
    request: EdgeRequest, service_id: ServiceId, health: HealthOfService, principal: CurrentPrincipal
) -> Response:
    """Return the health card: KPIs and targets by flavour, the seven aims, and the step its improvement stands at.

    Answers are `yes`, `partly`, `no` or `not_evidenced`, each computed from the newest closed evaluation, those before
    it and what arrives; `because` says it in numbers, `query` is where to read them.
    """
    principal.demand_service(service_id)
    return etag_response(request, _shown(service_id, await health.of(principal.body, service_id)))


def _shown(service: str, card: HealthCard) -> dict[str, Any]:
    about = {"number", "revision", "period", "as_of"}
    return {
        "service": service,
        "evaluation": card.newest.model_dump(mode="json", include=about) if card.newest else None,
        "flavours": [_flavour(one) for one in card.flavours],
        "families_missing": list(card.alignment.families.missing),
        "aims": [_answered("aim", one, service) for one in card.aims],
        "steps": [_answered("step", one, service) for one in card.steps],
        "stands_at": card.stands_at,
    }


def _answered(kind: str, one: Answered, service: str) -> dict[str, Any]:
    return {
        kind: one.id,
        "question": one.question,
        "answer": one.answer.value,
        "because": one.because,
        "query": f"/v1/services/{service}{one.query}" if one.query else None,
    }


def _flavour(one: Flavour) -> dict[str, Any]:
    return {
        "family": one.family,
        "it_kind": one.it_kind,
        **_measured(one.measured),
        "aspects": {aspect: _measured(found) for aspect, found in one.aspects.items()},
        "targets": {verdict.value: count for verdict, count in one.verdicts.items()},
    }


def _measured(one: Measured) -> dict[str, int]:
    return {"kpis": one.kpis, "with_value": one.with_value}
