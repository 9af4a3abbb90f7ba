"""Redesign benchmarks played over the past, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from civiloop_shared.contracts.values import Identifier
from civiloop_shared.edge import KIB, MANAGE, CurrentPrincipal, EdgeRouter, RoutePolicy, Scope, json_response
from evaluation_engine.api.results import ServiceId
from evaluation_engine.api.state import Backtests
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.instants import instant
from evaluation_engine.errors import CatalogueRefusedError, UnknownBenchmarkError, UnknownServiceError
from evaluation_engine.service.evaluate.backtest import Backtest, Played, Replay

router = EdgeRouter(prefix="/v1", tags=["results"])

Day = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,16}(Z|[+-][0-9]{2}:[0-9]{2}))?$")
]


class BacktestIn(BaseModel):
    """A benchmark in force by its id; with ``document``, the YAML of a changed or new one is tried in its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: Identifier
    from_: Day = Field(alias="from", description="First day, inclusive.")
    to: Day = Field(description="Last day, exclusive.")
    document: Annotated[str, StringConstraints(min_length=1, max_length=100_000)] | None = None


@router.post(
    "/services/{service_id}/redesign/backtest",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=128 * KIB,
        timeout=30.0,
        example={"benchmark": "redesign", "from": "2026-01-01", "to": "2026-11-01"},
        errors=(UnknownServiceError, UnknownBenchmarkError, CatalogueRefusedError),
    ),
)
async def backtest_redesign(
    service_id: ServiceId, wanted: BacktestIn, backtests: Backtests, principal: CurrentPrincipal
) -> Response:
    """Replay the whole periods of the service's cycle between two days, and say when the benchmark would have fired.

    The rules begin without memory before the first period; every period is computed from what is known today.
    """
    principal.demand_service(service_id)
    replay = Replay(wanted.benchmark, wanted.from_, wanted.to, wanted.document)
    return json_response(_shown(service_id, await backtests.run(principal.body, service_id, replay)))


def _shown(service: str, played: Backtest) -> dict[str, Any]:
    return {
        "service": service,
        "benchmark": played.benchmark.id,
        "title": dict(played.benchmark.title),
        "source": "document" if played.changed else "catalogue",
        "draft": played.benchmark.draft,
        "fired": [
            {
                "from": _period(first.period),
                "verdict": first.result.verdict.value,
                "explanation": first.result.explanation,
                "until": _period(after.period) if after else None,
            }
            for first, after in played.firing()
        ],
        "periods": [_played(one) for one in played.periods],
    }


def _played(played: Played) -> dict[str, Any]:
    return {
        "period": _period(played.period),
        "closed": played.closed,
        "fires": played.fires,
        **played.result.model_dump(mode="json", include={"verdict", "explanation", "clauses", "states"}),
    }


def _period(period: Period) -> dict[str, Any]:
    return {"start": instant(period.start_ms), "end": instant(period.end_ms), "zone": period.zone}
