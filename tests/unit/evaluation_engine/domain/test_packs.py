"""Golden vectors: what each government's definition publishes for these inputs, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from civiloop_shared.contracts.evaluations import ResultState
from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.contribution.answers import Answer, of_answer
from evaluation_engine.domain.contribution.context import COUNTING, FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.journey import fold, settle
from evaluation_engine.domain.kpi import faults
from evaluation_engine.domain.packs import ALL, BY_ID, PACKS, questions_of
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.samples import moments_of
from evaluation_engine.domain.sketch import bin_of
from tests.unit.evaluation_engine.domain.evidences import evidence
from tests.unit.evaluation_engine.domain.journeys import DAY, T0, event

pytestmark = pytest.mark.requirement("A1")

NEEDS = {need.name for one in ALL for need in one.needs}
ALL_ARRIVE = Sources(dict.fromkeys(NEEDS, T0 + 30 * DAY))
CONTEXT = FactContext("UTC", 14 * DAY, frozenset({"web"}), frozenset(), frozenset(), {}, COUNTING)


def of(kpi: str, measures: dict[str, int] | None = None, **over: Any) -> Any:
    """The result; Any, so that its figures compare with approximate ones."""
    return evaluate(BY_ID[kpi], evidence(measures, **{"sources": ALL_ARRIVE, **over}))


def said(**answers: Any) -> Measures:
    """What one person's answers to questions add."""
    given = tuple((name.replace("_", "-"), value) for name, value in answers.items() if name != "offered")
    offered = tuple(answers.get("offered", {}).items())
    [share] = of_answer(Answer("permit", T0, "web", questions=given, offered=offered), CONTEXT)
    return share.measures


def times(n: int, measures: Measures) -> Measures:
    return {name: n * count for name, count in measures.items()}


def journeys(*histories: tuple[int, list[Any]]) -> Measures:
    """What so many journeys of each history add, two months later."""
    found: list[Measures] = []
    for n, events in histories:
        state = fold(events)
        assert state is not None
        end = settle(state, now_ms=T0 + 60 * DAY, limit_ms=CONTEXT.silence_limit_ms)
        found += [times(n, share.measures) for share in of_journey(state, end, CONTEXT)]
    return merge(found)


def test_the_packs_have_no_fault_and_every_id_is_there_once() -> None:
    assert faults(ALL) == []
    assert len(BY_ID) == len(ALL)
    assert list(PACKS) == ["core", "govuk", "jdma", "a11", "gc", "generic"]
    assert all(one.title.keys() >= {"en", "el", "fa"} for one in ALL)
    assert {one.family for one in ALL} == {"it_performance", "business_performance", "customer_satisfaction"}
    assert {one.it_kind for one in ALL} == {None, "technology", "process"}


def test_every_question_that_a_pack_counts_is_one_that_it_asks() -> None:
    for pack in PACKS.values():
        asked = {question.id: question for question in pack.questions}
        counted = {
            need.name.removeprefix("q.") for one in pack.definitions for need in one.needs if need.name[:2] == "q."
        }
        assert counted - {"umux-lite"} <= asked.keys()
    assert {one.id for one in questions_of(["gc"], ["umux-lite"])} == {
        "gc-task", "gc-ease", "gc-satisfaction", "umux-lite-capable", "umux-lite-easy",
    }  # fmt: skip
    assert questions_of(["core", "govuk"], ["csat"]) == ()


@pytest.mark.parametrize("kpi", [one.id for one in ALL])
def test_nothing_is_never_zero(kpi: str) -> None:
    found = of(kpi, {})
    assert (found.value, found.interval) == (None, None)
    assert found.state in (ResultState.NO_DATA, ResultState.STALE, ResultState.TOO_FEW, ResultState.NOT_MEASURED)
    assert found.reason


# GOV.UK


def test_govuk_user_satisfaction_takes_one_off_the_mean_and_divides_by_four() -> None:
    # (10·1 + 10·2 + 20·3 + 30·4 + 30·5) / 100 = 3.6; (3.6 − 1) / 4 = 65 %
    found = of(
        "govuk-user-satisfaction", {"rating.1": 10, "rating.2": 10, "rating.3": 20, "rating.4": 30, "rating.5": 30}
    )
    assert (found.value, found.n, found.unit) == (65.0, 100, "%")
    assert found.interval is not None
    assert 0 < (found.interval.low or 0) < 65 < (found.interval.high or 100) < 100
    assert of("govuk-user-satisfaction", {"rating.5": 200}).value == 100.0
    assert of("govuk-user-satisfaction", {"rating.1": 200}).value == 0.0


def test_govuk_completion_counts_the_ineligible_and_not_who_saved_and_stayed_away() -> None:
    started = journeys(
        (60, [event("started"), event("completed", 5)]),
        (10, [event("started"), event("ineligible", 5)]),
        (20, [event("started"), event("step", 3, step="form")]),  # saved, and silent past the limit
        (10, [event("started"), event("resumed", 60 * 24), event("completed", 60 * 25)]),  # no new start
    )
    found = of("govuk-completion-rate", started)
    assert (found.value, found.n) == (80.0, 100)


def test_govuk_completion_is_zero_in_an_outage_and_not_missing() -> None:
    found = of("govuk-completion-rate", {"j.started": 400})
    assert (found.state, found.value, found.n) == ("ok", 0.0, 400)


def test_govuk_take_up_leaves_assisted_digital_out_of_the_numerator_only() -> None:
    done = journeys(
        (70, [event("started"), event("completed", 5)]),
        (10, [event("started", assisted=True), event("completed", 5)]),
        (20, [event("started", channel="counter"), event("completed", 5, channel="counter")]),
    )
    found = of("govuk-digital-take-up", done)
    assert (found.value, found.numerator, found.n) == (70.0, 70, 100)
    assert BY_ID["govuk-digital-take-up"].window == "calendar month"


@pytest.mark.requirement("F6")
def test_govuk_cost_per_transaction_divides_all_costs_by_what_was_completed() -> None:
    months = [{"m.cost.n": 30, "m.cost.sum": 1_500_000, "e.completed": n} for n in (100, 150, 50)]
    found = of("govuk-cost-per-transaction", None, buckets=tuple(months), settings={"currency": "EUR"})
    assert (found.value, found.unit, found.n) == (15.0, "EUR", 300)  # 4,500 over 300
    assert BY_ID["govuk-cost-per-transaction"].window == "12 months"
    assert "channel" in BY_ID["govuk-cost-per-transaction"].dimensions


# JDMA


def test_jdma_satisfaction_gives_ten_five_and_nothing() -> None:
    answers = merge(times(n, said(jdma_satisfaction=value)) for value, n in (("good", 80), ("medium", 30), ("bad", 10)))
    found = of("jdma-satisfaction", answers)
    assert (found.value, found.n) == (pytest.approx(950 / 120), 120)  # (800 + 150 + 0) / 120 = 7.92
    assert (found.details["published"], found.details["level"]) == ("7.9", "medium")


def test_jdma_shows_seven_point_nine_six_as_such_where_eight_is_the_goal() -> None:
    found = of("jdma-satisfaction", {"q.jdma-satisfaction.good": 398, "q.jdma-satisfaction.bad": 102})
    assert found.value == pytest.approx(7.96)
    assert (found.details["published"], found.details["level"]) == ("7.96", "medium")
    goal = of("jdma-satisfaction", {"q.jdma-satisfaction.good": 400, "q.jdma-satisfaction.bad": 100})
    assert (goal.details["published"], goal.details["level"]) == ("8.0", "goal")


def test_jdma_publishes_nothing_below_a_hundred_reviews() -> None:
    found = of("jdma-satisfaction", {"q.jdma-satisfaction.good": 99})
    assert (found.state, found.value, found.reason) == ("too_few", None, "99 of at least 100")
    assert of("jdma-satisfaction", {"q.jdma-satisfaction.good": 100}).value == 10.0


def test_jdma_clarity_and_help_quality_map_five_marks_to_ten() -> None:
    marks = {5: 40, 4: 20, 3: 20, 2: 10, 1: 10}  # (400 + 150 + 100 + 25 + 0) / 100 = 6.75
    for question in ("jdma_clarity", "jdma_help_quality"):
        answers = merge(times(n, said(**{question: mark})) for mark, n in marks.items())
        found = of(question.replace("_", "-"), answers)
        assert (found.value, found.details["published"], found.details["level"]) == (6.75, "6.8", "medium")


def test_jdma_reachability_is_a_share_and_autonomy_ten_times_who_needed_no_help() -> None:
    reached = of(
        "jdma-help-reachability",
        merge([times(90, said(jdma_help_reached="yes")), times(30, said(jdma_help_reached="no"))]),
    )
    assert (reached.value, reached.n) == (75.0, 120)
    alone = of(
        "jdma-autonomy", merge([times(150, said(jdma_help_needed="no")), times(50, said(jdma_help_needed="yes"))])
    )
    assert (alone.value, alone.details["level"]) == (7.5, "medium")


@pytest.mark.parametrize(("up", "level"), [(99_950, "goal"), (99_900, "medium"), (98_500, "medium"), (98_400, "below")])
def test_jdma_uptime_must_be_above_its_goal_and_leaves_unwatched_time_out(up: int, level: str) -> None:
    day = {
        "m.watched-seconds.n": 1,
        "m.watched-seconds.sum": 86_400_000,
        "m.up-seconds.n": 1,
        "m.up-seconds.sum": 864 * up,
    }
    found = of("jdma-uptime", None, buckets=(day,) * 60)
    assert (found.value, found.n) == (pytest.approx(up / 1000), 60)
    assert found.details["level"] == level


def load(ms: int) -> Measures:
    name = "m.page-load-ms"
    return {f"{name}.n": 100, f"{name}.sum": 100_000 * ms, f"{name}.sumsq": 100 * (1000 * ms) ** 2 + 1}


def test_jdma_load_is_a_mean_in_seconds() -> None:
    found = of("jdma-load", load(399))
    assert (found.value, found.unit, found.details["level"]) == (0.399, "s", "goal")
    assert of("jdma-load", load(800)).details["level"] == "below"  # 0.8 s is not below 0.8 s


# A-11


def test_a11_trust_is_the_share_of_thumbs_up() -> None:
    found = of("a11-trust", merge([times(150, said(a11_trust="up")), times(50, said(a11_trust="down"))]))
    assert (found.value, found.n) == (75.0, 200)


def test_a11_drivers_count_only_those_who_were_offered_them() -> None:
    everywhere = ("effectiveness", "ease", "efficiency", "transparency")
    answers = merge(
        [
            times(40, said(a11_trust="up", a11_liked=("ease",), offered={"a11-liked": everywhere})),
            times(60, said(a11_trust="up", a11_liked=(), offered={"a11-liked": everywhere})),
            times(30, said(a11_trust="up", a11_liked=("humanity",), offered={"a11-liked": (*everywhere, "humanity")})),
            times(10, said(a11_trust="up", a11_liked=(), offered={"a11-liked": (*everywhere, "humanity")})),
        ]
    )
    assert (of("a11-liked-ease", answers).value, of("a11-liked-ease", answers).n) == (pytest.approx(4000 / 140), 140)
    assert (of("a11-liked-humanity", answers).value, of("a11-liked-humanity", answers).n) == (75.0, 40)
    assert of("a11-disliked-ease", answers).state is ResultState.NO_DATA  # nobody was offered it: null, not 0


# GC Task Success


def test_gc_leaves_out_who_had_not_finished() -> None:
    answers = merge(times(n, said(gc_task=value)) for value, n in (("yes", 72), ("no", 18), ("before-finishing", 60)))
    assert (of("gc-task-success", answers).value, of("gc-task-success", answers).n) == (80.0, 90)


def test_gc_ease_and_satisfaction_are_top_two_and_skipped_is_not_unsatisfied() -> None:
    answers = merge(
        [
            times(30, said(gc_ease=5)),
            times(20, said(gc_ease=4)),
            times(50, said(gc_ease=2)),
            times(400, said(gc_task="yes")),
        ]
    )
    assert (of("gc-ease", answers).value, of("gc-ease", answers).n) == (50.0, 100)
    assert of("gc-satisfaction", answers).state is ResultState.NO_DATA


# generic


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
