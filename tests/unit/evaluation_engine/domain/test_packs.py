"""Golden vectors: what each government's definition publishes for these inputs, worked by hand."""

from __future__ import annotations

import pytest

from civiloop_shared.contracts.evaluations import ResultState
from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.kpi import faults
from evaluation_engine.domain.packs import ALL, BY_ID, PACKS, questions_of
from tests.unit.evaluation_engine.domain.journeys import event
from tests.unit.evaluation_engine.domain.published import journeys, of, said, times

pytestmark = pytest.mark.requirement("A1")


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


#


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
