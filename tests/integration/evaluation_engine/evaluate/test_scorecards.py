"""Scorecards and series: the numbers of aggregates made by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from civiloop_shared.contracts.evaluations import KpiResult
from civiloop_shared.errors import ValidationError
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.domain.sketch import bin_of
from evaluation_engine.errors import UnknownKpiError, UnknownServiceError
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.evaluate.series import Asked
from tests.support.engine import SERVICE, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
OCTOBER = days(date(2026, 10, 1), 31)
DAY_MS = 86_400_000


async def apply(desks: Desks, *texts: str) -> None:
    files = tuple(SourceFile(f"{n}.yaml", text) for n, text in enumerate(texts))
    await desks.catalogue.apply(Order("local", files), by="test")


@pytest.fixture
async def opened(engine: Engine) -> AsyncIterator[Desks]:
    async with engine.opened(NOW) as desks:
        await apply(desks, SERVICE)
        await engine.watermark(NOW)
        yield desks


async def results(desks: Desks, period: str) -> dict[str, KpiResult]:
    card = await desks.scorecards.of("local", "parking", period)
    return {one.kpi: one for one in card.record.results}


async def series(desks: Desks, kpi: str, **asked: Any) -> list[tuple[str, str, float | None, int]]:
    made = await desks.series.make("local", "parking", Asked(kpi, **asked))
    return [(p.period.start.date().isoformat(), p.cut, p.value, p.n) for p in made.points]


@pytest.mark.requirement("C3")
async def test_satisfaction_and_nps_come_from_what_is_gathered_and_what_waits(engine: Engine, opened: Desks) -> None:
    for number, day in enumerate(OCTOBER[:6]):
        await engine.count(
            {"answers": 50, "rating.5": 20, "rating.4": 20, "rating.1": 10, "nps.10": 30, "nps.0": 15, "nps.8": 5},
            day,
            waiting=number > 3,
        )
    await engine.count({"rating.1": 1000}, date(2026, 9, 30), date(2026, 11, 1))
    found = await results(opened, "2026-10")
    csat, nps = found["csat"], found["nps"]
    assert (csat.state, csat.value, csat.n, csat.unit) == ("ok", 80.0, 300, "%")
    assert csat.interval is not None
    assert csat.interval.method == "wilson"
    assert csat.interval.low == pytest.approx(75.11, abs=0.01)
    assert (nps.value, nps.n) == (30.0, 300)
    assert csat.period.start == datetime(2026, 9, 30, 21, tzinfo=UTC)
    assert csat.period.end == datetime(2026, 10, 31, 22, tzinfo=UTC)


@pytest.mark.requirement("A1")
async def test_no_answers_is_never_zero_and_zero_of_many_is(engine: Engine, opened: Desks) -> None:
    empty = await results(opened, "2026-10")
    assert empty["csat"].state == "not_measured"
    assert empty["csat"].value is None
    await engine.count({"rating.5": 10}, date(2026, 9, 1))
    await engine.count({"j.started": 500, "surv.start": 500}, OCTOBER[3])
    await engine.count({"e.completed": 40, "j.completed": 40, "j.started": 40, "surv.start": 40}, date(2026, 9, 2))
    found = await results(opened, "2026-10")
    assert found["csat"].state == "no_data"
    assert (found["completion-rate"].state, found["completion-rate"].value) == ("ok", 0.0)
    assert found["completion-rate"].denominator == 500


async def test_whole_months_and_the_days_at_the_edges_make_a_period(engine: Engine, opened: Desks) -> None:
    await engine.count({"rating.5": 1}, *days(date(2026, 7, 1), 146))
    assert (await results(opened, "2026-07-20/2026-11-05"))["csat"].n == 12 + 31 + 30 + 31 + 4
    assert (await results(opened, "2026-10-31/2026-11-02"))["csat"].n == 2
    assert (await results(opened, "2026"))["csat"].n == 146


@pytest.mark.requirement("B4")
async def test_take_up_time_to_fulfilment_and_cost(engine: Engine, opened: Desks) -> None:
    took = 3 * DAY_MS
    measures = {
        "j.started": 10,
        "j.outcome": 10,
        "j.completed": 10,
        "j.fulfilled": 10,
        "j.first_time": 7,
        "surv.start": 10,
        f"surv.fulfilled.{bin_of(took)}": 10,
        "dur.n": 10,
        "dur.sum": 10 * took,
        "dur.sumsq": 10 * took * took,
        "e.completed": 10,
        "e.digital": 6,
        "e.fulfilled": 10,
        "e.dur.n": 10,
        "e.dur.sum": 10 * took,
        "e.dur.sumsq": 10 * took * took,
        f"e.dur.{bin_of(took)}": 10,
        "m.cost.n": 1,
        "m.cost.sum": 250_000,
        "m.cost.sumsq": 250_000**2,
    }
    await engine.count(measures, *OCTOBER[:20])
    found = await results(opened, "2026-10")
    assert found["digital-take-up"].value == 60.0
    assert found["first-time-success"].value == 70.0
    assert found["fulfilment-time-mean"].value == 3.0
    assert found["fulfilment-time-median"].value == pytest.approx(3.0, rel=0.01)
    assert found["mtcf-median"].value == pytest.approx(3.0, rel=0.01)
    assert found["mtcf-mean"].value == pytest.approx(3.0, rel=0.01)
    cost = found["cost-per-outcome"]
    assert (cost.value, cost.unit, cost.n) == (25.0, "EUR", 200)
    assert cost.period.start == datetime(2025, 10, 31, 22, tzinfo=UTC)


@pytest.mark.requirement("A3")
async def test_abandonment_is_known_for_each_step(engine: Engine, opened: Desks) -> None:
    at = {"j.started": 100, "j.outcome": 40, "j.abandoned": 40, "surv.start": 100, "e.completed": 50}
    steps = {"step.apply.reached": 100, "step.pay.reached": 80, "step.pay.abandoned": 30, "step.apply.abandoned": 10}
    await engine.count(at | steps, OCTOBER[0])
    found = await results(opened, "2026-10")
    assert found["abandonment-by-step"].value == 40.0
    by_step = await series(opened, "abandonment-by-step", first="2026-10-01", last="2026-11-01", by="step")
    assert by_step[:2] == [("2026-09-30", "step=apply", 10.0, 100), ("2026-09-30", "step=pay", 37.5, 80)]


async def test_a_series_by_channel_adds_up_whatever_the_length_of_a_point(engine: Engine, opened: Desks) -> None:
    for cut, many in (("", 3), ("channel=web", 2), ("channel=phone", 1)):
        await engine.count({"rating.5": 30 * many, "rating.1": 10 * many}, *days(date(2026, 10, 5), 28), cuts=(cut,))
    span = {"first": "2026-10-05", "last": "2026-11-02"}
    by_day = await series(opened, "csat", every="day", **span)
    by_week = await series(opened, "csat", every="week", by="channel", **span)
    assert len(by_day) == 28
    assert all(point[2:] == (75.0, 120) for point in by_day)
    assert [(cut, n) for _, cut, _, n in by_week] == [("channel=web", 560), ("channel=phone", 280)] * 4
    by_month = await series(opened, "csat", every="month", **span)
    assert [n for *_, n in by_month] == [27 * 120, 120]


async def test_quarter_hours_and_hours_come_from_their_own_buckets(engine: Engine, opened: Desks) -> None:
    start = datetime(2026, 11, 24, 7, tzinfo=UTC)
    for cut, many in (("", 60), ("channel=web", 40)):
        for minute in (0, 15, 45):
            await engine.query(
                "INSERT INTO evaluation.aggregate"
                " VALUES ('feedback.received', 'parking', $1, 'quarter', $2, $3, now())",
                *(cut, start.replace(minute=minute), f'{{"rating.5": {many}}}'),
            )
    await engine.count({"rating.5": 1}, date(2026, 11, 24))
    hours = await series(opened, "csat", every="hour", first="2026-11-24", last="2026-11-25")
    quarters = await series(opened, "csat", every="quarter_hour", by="channel", first="2026-11-24", last="2026-11-25")
    assert [n for *_, n in hours if n] == [180]
    assert [(cut, n) for _, cut, _, n in quarters if n] == [("channel=web", 40)] * 3
    with pytest.raises(ValidationError):
        await series(opened, "csat", every="hour", by="language")
    with pytest.raises(ValidationError):
        await series(opened, "mtcf-median", every="hour")


@pytest.mark.parametrize(
    "period", ["2026-13", "2026-10-02/2026-10-01", "0001", "2026-10-01T10:00:00Z/2026-11-01T00:00:00Z", "yesterday"]
)
async def test_a_period_that_is_none_is_refused(opened: Desks, period: str) -> None:
    with pytest.raises(ValidationError):
        await opened.scorecards.of("local", "parking", period)


async def test_what_is_not_there_is_said_to_be_unknown(opened: Desks) -> None:
    with pytest.raises(UnknownServiceError):
        await opened.scorecards.of("local", "nothing", "live")
    with pytest.raises(UnknownServiceError):
        await opened.scorecards.of("other", "parking", "live")
    with pytest.raises(UnknownKpiError):
        await opened.series.make("local", "parking", Asked("nothing"))
    with pytest.raises(ValidationError):
        await opened.series.make("local", "parking", Asked("csat", by="segment.height"))
    with pytest.raises(ValidationError):
        await opened.series.make("local", "parking", Asked("csat", first="1980-01-01", every="quarter_hour"))


async def test_a_log_that_ended_years_ago_is_followed_up_to_its_end(engine: Engine, opened: Desks) -> None:
    """The import is old by design: cases that were open when the log ended are not open for fifteen years."""
    took = DAY_MS
    await engine.count(
        {"j.started": 50, "j.outcome": 30, "j.fulfilled": 30, "e.fulfilled": 30, "surv.start": 50}
        | {f"surv.fulfilled.{bin_of(took)}": 30, "dur.n": 30, "dur.sum": 30 * took, "dur.sumsq": 30 * took**2},
        *days(date(2011, 10, 1), 10),
    )
    card = await opened.scorecards.of("local", "parking", "2011-01-01/2026-01-01")
    median = next(one for one in card.record.results if one.kpi == "mtcf-median")
    assert card.record.as_of == datetime(2011, 10, 10, 21, tzinfo=UTC)
    assert median.state == "ok"
    assert median.value == pytest.approx(1.0, rel=0.01)
    assert (median.details["started"], median.details["open"]) == (500, 200)


@pytest.mark.requirement("A5")
async def test_goals_are_shown_with_their_kpis_their_targets_and_what_hangs_loose(engine: Engine) -> None:
    goals = (
        "kind: goal\nid: content\nservice: parking\noutcome: citizen\nstatement: {en: Content}\nkpis: [csat]\n"
        "---\nkind: goal\nid: cheap\nservice: parking\noutcome: service\nstatement: {en: Cheap}\n"
        "---\nkind: target\nid: csat-80\nservice: parking\nkpi: csat\nat_least: 80\norigin: we\ngoal: content\n"
    )
    async with engine.running() as client:
        await client.apply(SERVICE.replace("evaluation_cycle: monthly", "kpis: [csat, nps]"), goals)
        await engine.count({"rating.5": 190, "rating.1": 10}, datetime.now(UTC).date())
        found = await client.get("/v1/services/parking/goals")
    assert [(one["goal"], one["state"]) for one in found["goals"]] == [("cheap", "no_kpi"), ("content", "reached")]
    content = found["goals"][1]
    assert (content["progress"]["met"], content["progress"]["targets"]) == (1, 1)
    assert (content["kpis"][0]["value"], content["targets"][0]["verdict"]) == (95.0, "met")
    assert found["orphans"] == {"goals": ["cheap"], "kpis": ["nps"]}
    assert found["families"]["missing"] == ["it_performance", "business_performance"]
