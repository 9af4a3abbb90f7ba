"""The live status: KPIs of the last 30 days, verdicts of the run or of the last closed period, and no rule moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from civiloop_shared.contracts.evaluations import BenchmarkResult, EvaluationRecorded, TargetResult
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.domain.sketch import bin_of
from tests.integration.evaluation_engine.evaluate.test_evaluations import NOW, TARGETS, look
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Client, Engine, until

pytestmark = pytest.mark.requirement("A4")
DAY_MS = 86_400_000
BY_PERIOD = """
kind: target
id: soon
service: parking
kpi: mtcf-median
at_most: 5
origin: Charter
---
kind: target
id: half-soon
service: parking
kpi: fulfilment-time-median
at_most: 5
origin: Charter
---
kind: target
id: completed
service: parking
kpi: completion-rate
at_least: 90
origin: Charter
"""


@pytest.fixture
async def opened(engine: Engine) -> AsyncIterator[Desks]:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, SERVICE, TARGETS, BY_PERIOD)
        await engine.watermark(NOW)
        await desks.yardsticks.refresh()
        yield desks


async def live(desks: Desks) -> EvaluationRecorded:
    await desks.yardsticks.refresh()
    return await desks.live.refresh(desks.yardsticks.all()["parking"])


def target(record: EvaluationRecorded, name: str) -> TargetResult:
    return next(one for one in record.targets if one.target == name)


def benchmark(record: EvaluationRecorded) -> BenchmarkResult:
    return record.benchmarks[0]


async def rate(engine: Engine, day: date, *, good: int, bad: int) -> None:
    await engine.count({"rating.5": good, "rating.1": bad}, day, cuts=("", "channel=web"))


@pytest.mark.requirement("A2")
async def test_a_target_is_judged_over_the_quarter_by_a_sequence_and_the_last_30_days_judge_nothing(
    engine: Engine, opened: Desks
) -> None:
    await rate(engine, date(2026, 9, 30), good=5000, bad=0)
    await rate(engine, date(2026, 10, 5), good=0, bad=300)
    await rate(engine, date(2026, 11, 10), good=850, bad=50)
    found = await live(opened)
    csat = next(one for one in found.results if one.kpi == "csat")
    assert (csat.n, csat.for_repeated_looks) == (900, False)
    assert csat.interval is not None
    assert csat.interval.method == "wilson"
    assert csat.interval.low > 80  # type: ignore[operator]
    judged = target(found, "csat-80")
    assert (judged.result.n, judged.result.for_repeated_looks, judged.judged) == (1200, True, "at_every_look")
    assert (judged.result.period.start, judged.result.period.end) == (
        datetime(2026, 9, 30, 21, tzinfo=UTC),
        datetime(2026, 12, 31, 22, tzinfo=UTC),
    )
    assert judged.result.interval is not None
    assert (judged.result.interval.method, judged.result.interval.level) == ("beta-binomial sequence", 0.9875)
    assert judged.verdict == "missed"
    assert "since 2026-10-01" in judged.explanation
    on_the_web = target(found, "csat-web").result
    assert on_the_web.interval is not None
    assert (on_the_web.cut, on_the_web.n) == ("channel=web", 1200)
    assert on_the_web.interval.level == pytest.approx(0.975)


async def test_at_a_new_quarter_the_count_starts_anew(engine: Engine) -> None:
    for now, n, verdict in (
        (datetime(2026, 12, 31, 21, 59, tzinfo=UTC), 400, "missed"),
        (datetime(2026, 12, 31, 22, 1, tzinfo=UTC), 0, "not_enough_data"),
    ):
        async with engine.opened(now) as desks:
            await apply(desks, SERVICE, TARGETS)
            if n:
                await rate(engine, date(2026, 12, 20), good=200, bad=200)
            found = await live(desks)
        judged = target(found, "csat-80")
        assert (judged.result.n, judged.verdict) == (n, verdict)
        assert next(one.n for one in found.results if one.kpi == "csat") == 400


async def test_before_a_period_has_closed_nothing_is_said_of_what_is_judged_at_its_end(
    engine: Engine, opened: Desks
) -> None:
    await rate(engine, date(2026, 11, 10), good=10, bad=990)
    await journeys(engine, date(2026, 11, 10), days=9)
    found = await live(opened)
    for name, why in (("soon", "no outcome yet"), ("completed", "no outcome yet")):
        judged = target(found, name)
        assert (judged.verdict, judged.judged, judged.result.value) == ("not_enough_data", "at_period_end", None)
        assert "no period has closed yet" in judged.explanation
        assert why in judged.explanation
    assert target(found, "half-soon").verdict == "missed"
    assert (benchmark(found).verdict, benchmark(found).clauses, benchmark(found).period) == (
        "not_enough_evidence",
        (),
        None,
    )
    assert "No period has closed yet" in benchmark(found).explanation


@pytest.mark.requirement("E5.3.4")
async def test_what_has_no_sequence_is_shown_as_the_last_closed_period_left_it_whatever_comes_in_after(
    engine: Engine, opened: Desks
) -> None:
    await rate(engine, date(2026, 9, 10), good=100, bad=100)
    await rate(engine, date(2026, 10, 10), good=100, bad=100)
    await journeys(engine, date(2026, 10, 10), days=1)
    (_, october) = await look(opened)
    before = await live(opened)
    await rate(engine, date(2026, 11, 10), good=5000, bad=0)
    await journeys(engine, date(2026, 11, 10), days=60)
    after = await live(opened)
    for found in (before, after):
        judged = target(found, "soon")
        assert (judged.verdict, judged.judged) == ("met", "at_period_end")
        assert judged.result.period.end == datetime(2026, 10, 31, 22, tzinfo=UTC)
        assert "2026-10-01 to 2026-10-31" in judged.explanation
        left = benchmark(found)
        assert (left.verdict, left.states["sat.redesign"]["status"]) == ("redesign", "firing")
        assert left.period is not None
        assert left.period.end == datetime(2026, 10, 31, 22, tzinfo=UTC)
    stored = EvaluationRecorded.model_validate_json(october.record)
    assert benchmark(after) == benchmark(stored).model_copy(update={"period": stored.period})
    assert target(stored, "csat-80").judged == "at_period_end"
    assert [target(found, "csat-80").verdict for found in (before, after)] == ["missed", "met"]


async def test_a_threshold_that_was_changed_judges_the_closed_period_anew_and_a_new_target_waits(
    engine: Engine, opened: Desks
) -> None:
    await journeys(engine, date(2026, 10, 10), days=2)
    await look(opened)
    assert target(await live(opened), "soon").verdict == "met"
    another = BY_PERIOD.split("---")[0].replace("id: soon", "id: sooner")
    await apply(opened, SERVICE, TARGETS, BY_PERIOD.replace("at_most: 5", "at_most: 1"), another)
    found = await live(opened)
    assert target(found, "soon").verdict == "missed"
    assert "no period has closed since it was set" in target(found, "sooner").explanation


async def test_over_http_a_verdict_says_since_when_it_counts_and_prometheus_sees_it(engine: Engine) -> None:
    today = datetime.now(ZoneInfo("Europe/Athens")).date()
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    async with engine.running() as client:
        await client.apply(SERVICE, TARGETS)
        await engine.watermark(datetime.now(UTC))
        await rate(engine, first, good=150, bad=150)
        await rate(engine, today, good=50, bad=50)
        await until(lambda: _n(client, 400))
        judged = await _csat(client)
        await until(lambda: _exposes(client, 'target="csat-80",verdict="missed"} 1.0'))
        text = (await client.http.get("/metrics")).text
    assert (judged["verdict"], judged["judged"]) == ("missed", "at_every_look")
    assert judged["result"]["for_repeated_looks"] is True
    assert f"since {first}" in judged["explanation"]
    assert 'civiloop_target_verdict{service="parking",target="csat-80",verdict="missed"} 1.0' in text
    assert 'civiloop_redesign_verdict{benchmark="rebuild",service="parking",verdict=' in text


async def journeys(engine: Engine, day: date, *, days: int) -> None:
    """200 journeys that began on a day and all took so many days."""
    took = days * DAY_MS
    in_bin = bin_of(took)
    durations = {"n": 200, "sum": 200 * took, "sumsq": 200 * took * took, str(in_bin): 200}
    await engine.count(
        {"j.started": 200, "j.outcome": 200, "j.completed": 200, "j.fulfilled": 200}
        | {"surv.start": 200, f"surv.fulfilled.{in_bin}": 200, "e.fulfilled": 200, "e.completed": 200}
        | {f"dur.{name}": n for name, n in durations.items()}
        | {f"e.dur.{name}": n for name, n in durations.items()},
        day,
    )


async def _csat(client: Client) -> Any:
    card = await client.get("/v1/services/parking/scorecard?period=live")
    return next(one for one in card["targets"] if one["target"] == "csat-80")


async def _n(client: Client, wanted: int) -> bool:
    return bool((await _csat(client))["result"]["n"] == wanted)


async def _exposes(client: Client, line: str) -> bool:
    return line in (await client.http.get("/metrics")).text
