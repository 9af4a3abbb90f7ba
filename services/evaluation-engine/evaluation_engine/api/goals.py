"""Goals with the KPIs that hang from them, over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.contracts.evaluations import KpiResult, TargetResult, Verdict
from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRequest, EdgeRouter, RoutePolicy, Scope, etag_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import ScorecardDesk
from evaluation_engine.domain.goal import Aligned, Balance, align, results_of
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.evaluate.scorecard import Scorecard

router = EdgeRouter(prefix="/v1", tags=["results"])

_EXAMPLE = {"service": "parking-permit", "goals": [], "orphans": {"goals": [], "kpis": []}}


@router.get(
    "/services/{service_id}/goals",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=10.0, example=_EXAMPLE, errors=(UnknownServiceError,)
    ),
)
async def read_goals(
    request: EdgeRequest, service_id: ServiceId, scorecards: ScorecardDesk, principal: CurrentPrincipal
) -> Response:
    """Return each goal with its KPIs and how many of its targets are met, and what hangs loose on either side.

    The numbers are those of the newest scheduled evaluation that is stored, else of the live status.
    """
    principal.demand_service(service_id)
    return etag_response(request, _shown(await scorecards.newest(principal.body, service_id)))


def _shown(card: Scorecard) -> dict[str, Any]:
    record, yardstick = card.record, card.yardstick
    found = align(yardstick.goals, yardstick.definitions, record.targets)
    titles = {one.id: dict(one.title) for one in yardstick.definitions}
    return {
        "service": record.service,
        "source": card.source,
        **record.model_dump(mode="json", include={"number", "revision", "period", "as_of"}),
        "goals": [_goal(one, record.results, titles) for one in found.goals],
        "orphans": {"goals": list(found.goals_without_kpi), "kpis": list(found.kpis_without_goal)},
        "families": _balance(found.families),
        "outcomes": _balance(found.outcomes),
    }


def _goal(one: Aligned, results: tuple[KpiResult, ...], titles: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {
        "goal": one.goal.id,
        "outcome": one.goal.outcome,
        "statement": dict(one.goal.statement),
        "owner": one.goal.owner,
        "state": one.state.value,
        "progress": {"targets": len(one.targets), **{verdict.value: one.count(verdict) for verdict in Verdict}},
        "kpis": [{"title": titles.get(each.kpi), **_result(each)} for each in results_of(one, results)],
        "targets": [_target(target) for target in one.targets],
    }


def _result(result: KpiResult) -> dict[str, Any]:
    return result.model_dump(mode="json", include={"kpi", "state", "reason", "value", "unit", "n", "interval"})


def _target(target: TargetResult) -> dict[str, Any]:
    shown = target.model_dump(mode="json", exclude={"result"})
    return {**shown, "cut": target.result.cut, "value": target.result.value, "n": target.result.n}


def _balance(balance: Balance) -> dict[str, Any]:
    return {"kpis": dict(balance.counts), "missing": list(balance.missing), "one_sided": bool(balance.missing)}
