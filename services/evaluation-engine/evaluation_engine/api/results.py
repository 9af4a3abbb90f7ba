"""Scorecards, series, evaluations and redesign verdicts over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

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
    json_response,
)
from evaluation_engine.api.state import ScorecardDesk, SeriesMaker
from evaluation_engine.errors import UnknownKpiError, UnknownServiceError
from evaluation_engine.ports.evaluations import Stored
from evaluation_engine.service.evaluate import record as records
from evaluation_engine.service.evaluate.scorecard import LIVE, Scorecard
from evaluation_engine.service.evaluate.series import Asked

router = EdgeRouter(prefix="/v1", tags=["results"])

_ID = r"^[a-z][a-z0-9-]{1,62}$"
ServiceId = Annotated[str, Path(pattern=_ID, description="Id of a service of your body.")]
KpiId = Annotated[str, Path(pattern=_ID, description="Id of a KPI, see `GET /v1/kpis`.")]
_PERIOD = r"^(live|[0-9]{4}(-[0-9]{2})?|[0-9T:.Z+-]{10,35}/[0-9T:.Z+-]{10,35})$"
PeriodText = Annotated[str, StringConstraints(max_length=80, pattern=_PERIOD)]
Period = Annotated[
    PeriodText,
    Query(
        description="`live` (the last 30 days), a month `YYYY-MM`, a year `YYYY`, or `from/to` as two dates.",
        examples=["live", "2026-10"],
    ),
]
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,16}(Z|[+-][0-9]{2}:[0-9]{2}))?$"
DayText = Annotated[str, StringConstraints(max_length=40, pattern=_DAY)]
From = Annotated[str | None, Query(alias="from", pattern=_DAY, description="First day, inclusive.")]
To = Annotated[str | None, Query(pattern=_DAY, description="Last day, exclusive.")]
Every = Annotated[Literal["quarter_hour", "hour", "day", "week", "month"], Query(description="Length of a point.")]
By = Annotated[
    str | None,
    Query(pattern=r"^(channel|step|language|assisted|segment\.[a-z][a-z0-9-]{1,62})$", description="Split by this."),
]
_CARD = {
    "service": "parking-permit",
    "period": {"start": "2026-09-30T21:00:00Z", "end": "2026-10-31T22:00:00Z", "zone": "Europe/Athens"},
    "results": [{"kpi": "csat", "state": "ok", "value": 81.2, "unit": "%", "n": 512}],
    "targets": [],
    "benchmarks": [],
}


def _read(example: Any, timeout: float, *errors: type[UnknownServiceError | UnknownKpiError]) -> RoutePolicy:
    return RoutePolicy(permission=Scope.READ, limit=READ, body_cap=0, timeout=timeout, example=example, errors=errors)


class EvaluateIn(BaseModel):
    """The period to evaluate; without one, the current period of the service's cycle so far.

    With ``as_of`` (a date, or an instant at midnight of the service's zone) only what happened before it counts, under
    today's knowledge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: PeriodText | None = None
    as_of: DayText | None = None


@router.get("/services/{service_id}/scorecard", policy=_read(_CARD, 15.0, UnknownServiceError))
async def read_scorecard(
    request: EdgeRequest,
    service_id: ServiceId,
    scorecards: ScorecardDesk,
    principal: CurrentPrincipal,
    period: Period = LIVE,
) -> Response:
    """Return every KPI with its targets and redesign verdicts: live, as evaluated, or computed for any period.

    Live, each target says how it is `judged`: at every look, over the quarter up to now, or at the end of a period, as
    the newest closed one left it. So does every benchmark, with its `period`.
    """
    principal.demand_service(service_id)
    card = await scorecards.of(principal.body, service_id, period)
    return etag_response(request, _card(card, period))


@router.get(
    "/services/{service_id}/kpis/{kpi}/series",
    policy=_read(
        {"service": "parking-permit", "kpi": "csat", "every": "month", "by": None, "points": _CARD["results"]},
        15.0,
        UnknownServiceError,
        UnknownKpiError,
    ),
)
async def read_series(  # noqa: PLR0913, PLR0917 - one parameter for each that the caller may give
    request: EdgeRequest,
    service_id: ServiceId,
    kpi: KpiId,
    series: SeriesMaker,
    principal: CurrentPrincipal,
    from_: From = None,
    to: To = None,
    every: Every = "month",
    by: By = None,
) -> Response:
    """Return a KPI for each period between two days, in total or split by a dimension."""
    principal.demand_service(service_id)
    made = await series.make(principal.body, service_id, Asked(kpi, from_, to, every, by))
    body = {
        "service": service_id,
        "kpi": kpi,
        "title": dict(made.definition.title),
        "every": every,
        "by": by,
        "complete_until": made.complete_until,
        "points": [point.model_dump(mode="json") for point in made.points],
    }
    return etag_response(request, body)


@router.get(
    "/services/{service_id}/evaluations",
    policy=_read({"evaluations": [_CARD], "next": None}, 10.0, UnknownServiceError),
)
async def list_evaluations(
    request: EdgeRequest,
    service_id: ServiceId,
    scorecards: ScorecardDesk,
    principal: CurrentPrincipal,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Number that the page before ended with.")
    ] = None,
    revisions: Annotated[Literal["newest", "all"], Query()] = "newest",
) -> Response:
    """Return stored evaluations, the highest number first."""
    principal.demand_service(service_id)
    found = await scorecards.evaluations(
        principal.body, service_id, limit=limit, before=before, all_revisions=revisions == "all"
    )
    following = found[-1].number if len(found) == limit else None
    return etag_response(request, {"evaluations": [_stored(one) for one in found], "next": following})


@router.post(
    "/services/{service_id}/evaluations",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=4 * KIB,
        timeout=30.0,
        example={"period": "2026-10"},
        errors=(UnknownServiceError,),
    ),
    responses={201: {"description": "Evaluated: a new number or revision."}},
)
async def evaluate_service(
    service_id: ServiceId, wanted: EvaluateIn, scorecards: ScorecardDesk, principal: CurrentPrincipal
) -> Response:
    """Evaluate now: 201 with a new number or revision, 200 with what is stored when the inputs are the same.

    As of a day within a period of the cycle: 200 with a record that has no number, since it isn't stored.
    """
    principal.demand_service(service_id)
    period = None if wanted.period == LIVE else wanted.period
    if wanted.as_of is not None:
        made = await scorecards.as_of(principal.body, service_id, wanted.as_of, period)
        if isinstance(made, Scorecard):
            return json_response({**made.record.model_dump(mode="json"), "stored_at": None})
        stored = made
    else:
        stored = await scorecards.evaluate(principal.body, service_id, period)
    return json_response(_stored(stored), status_code=201 if stored.created else 200)


@router.get(
    "/services/{service_id}/redesign",
    policy=_read({"service": "parking-permit", "benchmarks": []}, 10.0, UnknownServiceError),
)
async def read_redesign(
    request: EdgeRequest, service_id: ServiceId, scorecards: ScorecardDesk, principal: CurrentPrincipal
) -> Response:
    """Return the redesign verdicts: of the newest scheduled evaluation that is stored, else of the live status."""
    principal.demand_service(service_id)
    card = await scorecards.newest(principal.body, service_id)
    shown = card.record.model_dump(mode="json", include={"number", "revision", "period", "as_of", "benchmarks"})
    return etag_response(request, {"service": service_id, "source": card.source, **shown})


def _card(card: Scorecard, asked: str) -> dict[str, Any]:
    return {
        **card.record.model_dump(mode="json"),
        "title": dict(card.yardstick.document.title),
        "asked_period": asked,
        "source": card.source,
        "stored_at": card.at,
        "kpis": {
            one.id: {"title": dict(one.title), "unit": one.unit, "version": one.version}
            for one in card.yardstick.definitions
        },
    }


def _stored(stored: Stored) -> dict[str, Any]:
    return {**records.read(stored.record).model_dump(mode="json"), "stored_at": stored.stored_at}
