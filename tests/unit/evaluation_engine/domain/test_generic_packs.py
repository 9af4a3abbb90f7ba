"""Golden vectors of the measures that fit any service, worked by hand."""

from __future__ import annotations

import pytest

from civiloop_shared.contracts.evaluations import ResultState
from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.contribution.answers import Answer, of_answer
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.samples import moments_of
from evaluation_engine.domain.sketch import bin_of
from tests.unit.evaluation_engine.domain.journeys import DAY, T0, event
from tests.unit.evaluation_engine.domain.published import ALL_ARRIVE, CONTEXT, journeys, of, said, times

pytestmark = pytest.mark.requirement("A1")


def test_ces_is_the_mean_on_its_scale() -> None:
    found = of("ces", {"effort.7": 50, "effort.5": 30, "effort.1": 20})
    assert (found.value, found.n) == (5.2, 100)  # (350 + 150 + 20) / 100


@pytest.mark.parametrize(("mark", "sus"), [(6, 77.0667), (7, 87.9), (1, 22.9)])
def test_umux_lite_is_given_as_sus(mark: int, sus: float) -> None:
    # (6 + 6 − 2) / 12 × 100 = 83.33; 0.65 × 83.33 + 22.9 = 77.07, as Lewis, Utesch and Maher have it
    answers = times(40, said(umux_lite_capable=mark, umux_lite_easy=mark))
    assert of("umux-lite", answers).value == pytest.approx(sus, abs=1e-4)


def test_umux_lite_needs_both_answers_of_a_person() -> None:
    assert of("umux-lite", times(40, said(umux_lite_capable=7))).state is ResultState.NO_DATA


def test_what_happened_on_the_way_is_counts_over_counts() -> None:
    measures = journeys(
        (50, [event("started"), event("completed", 5)]),
        (30, [event("started"), event("error", 1), event("error", 2), event("completed", 5)]),
        (15, [event("started"), event("help_sought", 1, channel="phone"), event("completed", 5)]),
        (45, [event("started"), event("help_sought", 1), event("help_sought", 9), event("completed", 50)]),
        (60, [event("started", assisted=True), event("completed", 5)]),
    )
    values = {
        kpi: of(kpi, measures).value
        for kpi in ("error-rate", "repeat-contact", "channel-switch-rate", "assisted-share")
    }
    assert values == {"error-rate": 15.0, "repeat-contact": 75.0, "channel-switch-rate": 7.5, "assisted-share": 30.0}


@pytest.mark.requirement("B5")
def test_fifty_three_answers_of_eighty_four_thousand_users_say_what_they_are() -> None:
    groups = {
        "channel=web": {"answers": 53, "e.completed": 21_000},
        "channel=counter": {"e.completed": 63_000},
        "segment.age=65+": {"answers": 5, "e.completed": 42_000},
        "segment.age=18-64": {"answers": 48, "e.completed": 42_000},
    }
    measures = {"answers": 53, "rating.5": 53, "e.completed": 84_000}
    found = of("response-rate", measures, groups=groups)
    assert (found.value, found.n) == (pytest.approx(100 * 53 / 84_000), 84_000)
    unlike = found.details["representative"]
    assert unlike["channel"]["difference"] == 0.75  # 63,000 of 84,000 came to the counter, where nobody answered
    assert unlike["segment.age"]["difference"] == pytest.approx(0.5 - 5 / 53)
    assert unlike["channel"]["groups"]["counter"] == {"answers": 0, "users": 63_000}
    satisfied = of("csat", measures)
    assert (satisfied.eligible, satisfied.response_rate) == (84_000, 53 / 84_000)
    assert satisfied.n < satisfied.minimum_to_judge


def test_more_answers_than_users_are_refused() -> None:
    assert of("response-rate", {"answers": 90, "e.completed": 60}).state is ResultState.REFUSED


def test_within_promise_counts_cases_up_to_what_the_service_promises() -> None:
    measures = {f"e.dur.{bin_of(days * DAY)}": n for days, n in ((2, 60), (8, 20), (30, 20))} | {"e.fulfilled": 100}
    found = of("within-promise", measures, settings={"promised_days": "10"})
    assert (found.value, found.n) == (80.0, 100)
    unknown = of("within-promise", measures)
    assert (unknown.state, unknown.value) == ("not_measured", None)
    assert "promised_days" in (unknown.reason or "")


def test_the_equity_gap_is_best_less_worst_with_newcombes_interval() -> None:
    # Newcombe 1998, table II, case (a): 56 of 70 and 48 of 80 differ by 0.2, from 0.0524 to 0.3339
    groups = {
        "segment.age=18-25": {"j.started": 70, "j.completed": 56},
        "segment.age=65+": {"j.started": 80, "j.completed": 48},
        "segment.age=80+": {"j.started": 12},
        "segment.age=other": {"j.started": 500},
        "segment.sex=f": {"j.started": 75, "j.completed": 52},
        "segment.sex=m": {"j.started": 75, "j.completed": 52},
    }
    found = of("equity-gap-completion", {"j.started": 162, "j.completed": 104}, groups=groups)
    assert (found.value, found.n) == (pytest.approx(20.0), 70)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (pytest.approx(5.24, abs=0.01), pytest.approx(33.39, abs=0.01))
    assert found.details["best"]["group"] == "segment.age=18-25"
    assert found.details["worst"]["group"] == "segment.age=65+"
    assert found.details["left_out"] == ["segment.age=80+"]


def test_a_gap_needs_two_groups_that_are_large_enough() -> None:
    groups = {
        "segment.age=a": {"j.started": 400, "j.completed": 4},
        "segment.age=b": {"j.started": 29, "j.completed": 29},
    }
    found = of("equity-gap-completion", {"j.started": 429}, groups=groups)
    assert (found.state, found.value, found.reason) == ("too_few", None, "29 of at least 30")


def test_how_a_service_runs_comes_from_named_measurements() -> None:
    requests = (("satisfied", 170), ("tolerating", 20), ("frustrated", 10))
    apdex = merge({f"m.requests-{how}.n": 1, f"m.requests-{how}.sum": 1000 * n} for how, n in requests)
    assert of("apdex", None, buckets=(apdex, apdex)).value == pytest.approx(0.9)  # (170 + 10) / 200
    incidents = {
        "m.incident-minutes.n": 4,
        "m.incident-minutes.sum": 240_000,
        "m.incident-minutes.sumsq": 15_000_000_000,
    }
    assert (of("mttr", incidents).value, of("mttr", incidents).unit) == (1.0, "hours")
    changes = {"m.changes.n": 1, "m.changes.sum": 40_000, "m.failed-changes.n": 1, "m.failed-changes.sum": 6_000}
    found = of("change-failure-rate", changes)
    assert (found.value, found.numerator, found.n) == (15.0, 6, 40)


def test_availability_without_a_report_is_no_hundred_per_cent() -> None:
    silent = of("availability", None, buckets=({"m.watched-seconds.n": 1, "m.watched-seconds.sum": 86_400_000},))
    assert (silent.state, silent.value) == ("stale", None)


def seen(name: str, *samples: tuple[float, int]) -> Measures:
    """What a distribution adds: values in their own unit, and how often each was seen."""
    return moments_of(name, tuple((round(1000 * value), count) for value, count in samples))


@pytest.mark.parametrize(
    ("kpi", "values", "level"),
    [
        ("lcp-p75", (1200, 2490, 9000), "good"),
        ("lcp-p75", (1200, 2520, 9000), "needs improvement"),
        ("lcp-p75", (1200, 4040, 9000), "poor"),
        ("inp-p75", (50, 198, 900), "good"),
        ("inp-p75", (50, 495, 900), "needs improvement"),
        ("inp-p75", (50, 505, 900), "poor"),
        ("cls-p75", (0, 0.1, 0.9), "good"),
        ("cls-p75", (0, 0.24, 0.9), "needs improvement"),
        ("cls-p75", (0, 0.26, 0.9), "poor"),
    ],
)
def test_web_vitals_are_the_value_that_three_of_four_page_loads_keep_to(
    kpi: str, values: tuple[float, float, float], level: str
) -> None:
    # 70 of 100 loads have the first value, 20 the second, 10 the third: place 0.75 × 99 = 74.25 lies in the second
    low, middle, high = values
    found = of(kpi, seen(kpi.removesuffix("-p75"), (low, 70), (middle, 20), (high, 10)))
    assert found.value == pytest.approx(middle, rel=0.005)
    assert (found.n, found.details["level"], found.details["relative_error"] < 0.005) == (100, level, True)
    # order statistics of 100 and 0.75: ranks 66 and 84
    assert found.interval.method == "order statistics"
    assert found.interval.low == pytest.approx(low, rel=0.011)
    assert found.interval.high == pytest.approx(middle, rel=0.011)


def test_a_vital_right_on_its_level_is_still_good() -> None:
    assert of("cls-p75", seen("cls", (0.1, 100))).details["level"] == "good"  # thousandths up to 0.1 are exact


def test_latency_is_the_95th_percentile_in_milliseconds() -> None:
    # 94 requests of 20 ms, 6 of 800 ms: place 0.95 × 99 = 94.05 lies among the slow ones
    found = of("latency-p95", seen("latency", (20, 94), (800, 6)))
    assert found.value == pytest.approx(800, rel=0.005)
    assert (found.unit, found.n) == ("ms", 100)
    assert of("latency-p95", seen("latency", (20, 96), (800, 4))).value == pytest.approx(20, rel=0.005)


def test_complaints_are_divided_by_completed_journeys_and_are_no_answers() -> None:
    [share] = of_answer(Answer("permit", T0, "web", complaint=True), CONTEXT)
    assert share.measures == {"complaints": 1}
    found = of("complaint-rate", {**times(3, share.measures), "e.completed": 400})
    assert (found.value, found.numerator, found.n, found.interval.method) == (0.75, 3, 400, "wilson")
    assert of("complaint-rate", {"e.completed": 400}).value == 0.0  # complaints arrive, and there was none


def test_without_any_complaint_ever_the_rate_is_not_zero() -> None:
    silent = Sources({name: at for name, at in ALL_ARRIVE.last_seen_ms.items() if name != "complaints"})
    found = of("complaint-rate", {"e.completed": 400}, sources=silent)
    assert (found.state, found.value, found.reason) == ("stale", None, "never arrived: feedback with kind complaint")


def test_availability_shows_the_time_that_nobody_watched_and_is_never_more_than_all_of_it() -> None:
    day = {"m.watched-seconds.n": 1, "m.up-seconds.n": 1, "m.watched-seconds.sum": 43_200_000}
    half = {**day, "m.up-seconds.sum": 42_768_000}
    found = of("availability", merge([half, half]), buckets=(half, half))  # 31 days, of which two halves were watched
    assert (found.value, found.details["unwatched_seconds"]) == (99.0, 31 * 86_400 - 86_400)
    too_much = {**day, "m.up-seconds.sum": 43_300_000}
    refused = of("availability", too_much, buckets=(too_much,))
    assert (refused.state, refused.value) == ("refused", None)
