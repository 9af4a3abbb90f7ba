from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civiloop_shared.contracts.evaluations import KpiResult, ResultState
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.evidence import Evidence, Sources, stored_cut
from evaluation_engine.domain.journey import fold, settle
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_catalogue import BY_ID, CATALOGUE
from evaluation_engine.domain.result import display, evaluate
from evaluation_engine.domain.sketch import bin_of
from tests.unit.evaluation_engine.domain.evidences import ALL_NEEDS, EVERYTHING, cohort, evidence
from tests.unit.evaluation_engine.domain.journeys import DAY, T0, event

pytestmark = pytest.mark.requirement("A2")


def result(kpi: str, measures: dict[str, int] | None = None, **over: Any) -> KpiResult:
    return evaluate(BY_ID[kpi], evidence(measures, **over))


def without(*names: str) -> Sources:
    return Sources({name: T0 for name in ALL_NEEDS if name not in names})


def test_csat_is_the_share_of_fours_and_fives() -> None:
    found = result("csat", {"rating.1": 10, "rating.3": 20, "rating.4": 40, "rating.5": 30})
    assert (found.state, found.value, found.n) == ("ok", 70.0, 100)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(60.4152, abs=1e-4)
    assert found.interval.high == pytest.approx(78.1051, abs=1e-4)
    assert (found.interval.level, found.interval.method) == (0.95, "wilson")


def test_nps_takes_detractors_from_promoters_and_dismissed_is_no_answer() -> None:
    found = result("nps", {"answers": 500, "nps.10": 50, "nps.9": 20, "nps.8": 15, "nps.0": 10, "nps.6": 5})
    assert (found.value, found.n) == (55.0, 100)
    assert result("nps", {"answers": 500}).state is ResultState.NO_DATA


def test_partly_is_not_done_and_skipped_is_no_answer() -> None:
    found = result("task-success", {"answers": 900, "task.yes": 60, "task.partly": 20, "task.no": 20})
    assert (found.value, found.n) == (60.0, 100)


def test_no_answers_is_never_zero() -> None:
    for definition in CATALOGUE:
        found = evaluate(definition, evidence({}))
        assert found.value is None
        assert found.interval is None
        assert found.state in (ResultState.NO_DATA, ResultState.STALE)
        assert found.reason


@pytest.mark.requirement("A4")
def test_none_of_five_hundred_completed_shows_as_zero() -> None:
    found = result("completion-rate", {"j.started": 500})
    assert (found.state, found.value, found.n) == ("ok", 0.0, 500)
    assert found.interval is not None
    assert found.interval.low == 0.0
    assert (found.interval.high or 0) > 0.5


def test_none_of_five_hundred_is_stale_where_no_completion_has_ever_arrived() -> None:
    found = result("completion-rate", {"j.started": 500}, sources=without("completed"))
    assert (found.state, found.value) == ("stale", None)
    assert "completed" in (found.reason or "")


def test_an_outage_with_starts_and_no_completions_is_not_silence() -> None:
    sources = Sources({"started": T0 + 30 * DAY, "completed": T0 - 90 * DAY}, silent_after_ms=7 * DAY)
    assert result("completion-rate", {"j.started": 500}, sources=sources).value == 0.0


def test_a_source_that_fell_silent_makes_the_rate_stale() -> None:
    sources = Sources({"started": T0 + 2 * DAY, "completed": T0 + 2 * DAY}, silent_after_ms=7 * DAY)
    found = result("completion-rate", {"j.started": 500, "j.completed": 400}, sources=sources)
    assert (found.state, found.value) == ("stale", None)


def test_citizens_who_do_not_answer_are_no_silent_source() -> None:
    sources = Sources({"rating": T0 - 300 * DAY}, silent_after_ms=7 * DAY)
    assert result("csat", {}, sources=sources).state is ResultState.NO_DATA


def test_what_has_never_arrived_is_not_measured() -> None:
    found = result("csat", {}, sources=without("rating"))
    assert found.state is ResultState.NOT_MEASURED
    assert "rating" in (found.reason or "")


def test_more_than_all_is_refused_with_its_cause() -> None:
    found = result("digital-take-up", {"e.completed": 100, "e.digital": 110})
    assert (found.state, found.value, found.interval) == ("refused", None, None)
    assert "110 of 100" in (found.reason or "")


def test_too_few_show_their_number_and_nothing_else() -> None:
    found = result("csat", {"rating.5": 29})
    assert (found.state, found.value, found.n, found.numerator, found.interval) == ("too_few", None, 29, None, None)
    assert result("csat", {"rating.5": 30}).value == 100.0


def test_few_answers_of_many_users_say_so() -> None:
    found = result("csat", {"rating.5": 53, "e.completed": 84_000})
    assert found.eligible == 84_000
    assert found.response_rate == pytest.approx(53 / 84_000)


@pytest.mark.requirement("A4")
def test_data_faults_are_in_neither_part_of_the_completion_rate() -> None:
    assert result("completion-rate", {"j.started": 102, "j.fault": 2, "j.completed": 80}).value == 80.0


def test_first_time_success_is_over_journeys_with_an_outcome() -> None:
    assert result("first-time-success", {"j.started": 900, "j.outcome": 200, "j.first_time": 50}).value == 25.0


def test_cost_needs_both_the_cost_and_the_outcomes() -> None:
    months = tuple({"m.cost.n": 30, "m.cost.sum": 1_000_000, "e.fulfilled": 40 + k} for k in range(12))
    found = result("cost-per-outcome", None, buckets=months, settings={"currency": "EUR"})
    assert found.value == pytest.approx(12_000 / sum(40 + k for k in range(12)))
    assert found.unit == "EUR"
    assert found.interval is not None
    assert found.value is not None
    assert (found.interval.low or 0) < found.value < (found.interval.high or 0)
    assert result("cost-per-outcome", {"e.fulfilled": 500}).state is ResultState.STALE
    assert result("cost-per-outcome", {"m.cost.n": 1, "m.cost.sum": 5}).state is ResultState.NO_DATA
    assert result("cost-per-outcome", {"e.fulfilled": 500}, sources=without("cost")).state is ResultState.NOT_MEASURED


def test_abandonment_is_told_for_each_step_and_over_all() -> None:
    measures = {
        "j.started": 200, "j.abandoned": 30, "step.form.reached": 200, "step.form.abandoned": 10,
        "step.pay.reached": 100, "step.pay.abandoned": 20, "step.pay.errors": 7,
    }  # fmt: skip
    overall = result("abandonment-by-step", measures)
    assert overall.value == 15.0
    assert overall.details["steps"]["pay"] == {"reached": 100, "abandoned": 20, "errors": 7}
    cut, step = stored_cut("channel=web|step=pay", per_step=True)
    assert (cut, step) == ("channel=web", "pay")
    at_pay = result("abandonment-by-step", measures, cut="channel=web|step=pay", step=step)
    assert (at_pay.value, at_pay.n, at_pay.cut) == (20.0, 100, "channel=web|step=pay")
    assert stored_cut("step=pay", per_step=False) == ("step=pay", None)


def test_silence_alone_is_no_abandonment_where_nothing_ever_completes() -> None:
    assert (
        result("abandonment-by-step", {"j.started": 200, "j.abandoned": 200}, sources=without("completed")).value
        is None
    )


def cohort_of(days: list[float], started: int) -> Evidence:
    ends: dict[tuple[str, int], int] = {}
    for day in days:
        key = ("fulfilled", bin_of(round(day * DAY)))
        ends[key] = ends.get(key, 0) + 1
    measures = {"dur.n": len(days), "dur.sum": round(sum(days) * DAY), "wait.n": 2, "wait.sum": 3 * DAY}
    return evidence(measures, cohorts=(cohort(T0, T0, started, ends),), as_of_ms=T0 + 40 * DAY)


@pytest.mark.requirement("A4")
def test_open_journeys_are_censored_and_not_dropped() -> None:
    followed = cohort_of([10.0] * 60, 100)
    mean = evaluate(BY_ID["mtcf-mean"], followed)
    assert mean.value == pytest.approx((60 * 10 + 40 * 40) / 100, rel=0.005)
    assert mean.details["finished_mean_days"] == pytest.approx(10.0)
    assert (mean.details["open"], mean.details["horizon_days"]) == (40, 40.0)
    assert mean.details["waiting_for_citizen"] == {"waits": 2, "days": 3.0}
    assert evaluate(BY_ID["mtcf-median"], followed).value == pytest.approx(10.0, rel=0.005)


def test_journeys_that_changed_hands_are_told_apart() -> None:
    followed = cohort_of([10.0] * 60, 100)
    handed_over = {
        "hand.n": 40,
        "hand.dur.n": 20,
        "hand.dur.sum": 300 * DAY,
        "hand.wait.n": 2,
        "hand.wait.sum": 3 * DAY,
    }
    mean = evaluate(BY_ID["mtcf-mean"], replace(followed, measures={**followed.measures, **handed_over}))
    assert mean.details["handed_over"] == {
        "started": 40,
        "finished": 20,
        "finished_mean_days": 15.0,
        "waiting_for_citizen": {"waits": 2, "days": 3.0},
    }


@pytest.mark.requirement("A4")
def test_a_quantile_that_other_ends_keep_from_being_reached_says_so() -> None:
    ends = {("refused", bin_of(DAY)): 60, ("fulfilled", bin_of(2 * DAY)): 40}
    found = evaluate(BY_ID["mtcf-median"], evidence({}, cohorts=(cohort(T0, T0, 100, ends),), as_of_ms=T0 + 900 * DAY))
    assert (found.state, found.value) == ("not_reached", None)
    assert found.details["open"] == 0
    assert found.details["ends"] == {"fulfilled": 40, "refused": 60}


@pytest.mark.requirement("A4")
def test_a_quantile_that_is_not_reached_says_so_and_gives_its_lower_bound() -> None:
    found = evaluate(BY_ID["mtcf-p90"], cohort_of([10.0] * 60, 100))
    assert (found.state, found.value) == ("not_reached", None)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(40.0)
    assert found.interval.high is None


@pytest.mark.requirement("A4")
def test_plain_durations_of_finished_cases_are_exact_in_the_mean() -> None:
    days = [k / 7 for k in range(1, 200)]
    measures = {"e.fulfilled": 199, "e.dur.n": 199}
    for day in days:
        took = round(day * DAY)
        for name, amount in (("e.dur.sum", took), ("e.dur.sumsq", took**2), (f"e.dur.{bin_of(took)}", 1)):
            measures[name] = measures.get(name, 0) + amount
    assert result("fulfilment-time-mean", measures).value == pytest.approx(sum(days) / 199, abs=1e-8)
    assert result("fulfilment-time-median", measures).value == pytest.approx(days[99], rel=0.005)
    p90 = result("fulfilment-time-p90", measures)
    assert p90.value == pytest.approx(days[178] + 0.2 / 7, rel=0.005)
    assert p90.interval is not None
    assert p90.details["relative_error"] == pytest.approx(0.005, abs=1e-4)


def test_journeys_and_results_fit_together() -> None:
    context = FactContext("UTC", None, frozenset({"web"}), frozenset(), frozenset(), {})
    total: dict[str, int] = {}
    for n in range(40):
        state = fold([event("started", n), event("completed" if n % 4 else "refused", n + 5)])
        assert state is not None
        for share in of_journey(state, settle(state, now_ms=T0, limit_ms=None), context):
            for name, amount in share.measures.items():
                total[name] = total.get(name, 0) + amount
    assert result("completion-rate", total).value == 75.0
    assert result("digital-take-up", total).value == 100.0


def test_what_arrives_is_seen_in_the_buckets() -> None:
    needs = [need for definition in CATALOGUE for need in definition.needs]
    found = Sources.of([(T0, {"rating.3": 1, "j.started": 2}), (T0 + DAY, {"j.started": 1})], needs)
    assert found.last_seen_ms == {"rating": T0, "started": T0 + DAY}


def test_what_was_taken_back_has_arrived_when_it_came_before() -> None:
    needs = [need for definition in CATALOGUE for need in definition.needs]
    days: list[dict[str, int]] = [{"rating.3": 1}, {"rating.3": 2}, {"rating.3": -1, "j.started": 1}]
    found = Sources.of([(T0 + n * DAY, measures) for n, measures in enumerate(days)], needs)
    assert found.last_seen_ms == {"rating": T0 + DAY, "started": T0 + 2 * DAY}


names = st.sampled_from(["rating.1", "rating.5", "nps.0", "nps.10", "task.yes", "task.no", "j.started", "j.completed",
                         "j.outcome", "j.first_time", "e.completed", "e.digital", "j.fault"])  # fmt: skip


@settings(max_examples=150)
@given(st.dictionaries(names, st.integers(0, 400)), st.sampled_from(CATALOGUE))
def test_a_value_lies_on_its_scale_and_in_its_interval(measures: dict[str, int], definition: Definition) -> None:
    found = evaluate(definition, evidence(measures))
    assert (found.value is None) == (found.state is not ResultState.OK)
    assert (found.reason is None) == (found.state is ResultState.OK)
    if found.value is not None:
        low, high = definition.scale
        assert found.n >= definition.minimum_to_show
        assert low <= found.value
        assert high is None or found.value <= high
        assert found.interval is not None
        assert low <= (found.interval.low or low)
        if definition.id != "nps":
            assert (found.interval.low or 0) <= found.value <= (found.interval.high or 0)


@pytest.mark.parametrize(
    ("value", "threshold", "shown"),
    [(7.96, 8, "7.96"), (8.0, 8, "8.0"), (7.9999, 8, "7.9999"), (8.04, 8, "8.04"), (69.97, None, "70.0"),
     (7.9, 8, "7.9"), (-0.01, None, "0.0"), (-0.01, 0, "-0.01"), (1 / 3, None, "0.3")],
)  # fmt: skip
def test_rounding_does_not_contradict_the_threshold(value: float, threshold: float | None, shown: str) -> None:
    assert display(value, threshold) == shown


@settings(max_examples=200)
@given(st.floats(-1e6, 1e6), st.integers(-100, 100))
def test_what_is_displayed_is_on_the_side_where_the_value_is(value: float, threshold: int) -> None:
    shown = float(display(value, threshold))
    assert (shown < threshold) == (value < threshold)
    assert (shown > threshold) == (value > threshold)


def test_everything_arrives_in_the_evidence_of_these_tests() -> None:
    assert set(EVERYTHING.last_seen_ms) == ALL_NEEDS
