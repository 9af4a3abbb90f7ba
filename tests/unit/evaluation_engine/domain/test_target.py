from dataclasses import replace
from datetime import date

import pytest

from civiloop_shared.contracts.evaluations import KpiResult, Verdict
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.sketch import bin_of
from evaluation_engine.domain.target import Target, judge
from tests.unit.evaluation_engine.domain.evidences import cohort, evidence
from tests.unit.evaluation_engine.domain.journeys import DAY, T0

pytestmark = pytest.mark.requirement("A5")
TODAY = date(2026, 2, 1)
AT_LEAST_70 = Target("satisfied", "csat", "at_least", 70.0, "council decision")


def csat(good: int, n: int, **over: object) -> KpiResult:
    return evaluate(BY_ID["csat"], evidence({"rating.5": good, "rating.1": n - good}, **over))


@pytest.mark.parametrize(
    ("good", "n", "verdict"),
    [
        (850, 1000, Verdict.MET),
        (600, 1000, Verdict.MISSED),
        (710, 1000, Verdict.TOO_CLOSE),
        (690, 1000, Verdict.TOO_CLOSE),
        (99, 99, Verdict.NOT_ENOUGH),
        (20, 20, Verdict.NOT_ENOUGH),
        (0, 0, Verdict.NOT_ENOUGH),
    ],
)
def test_a_verdict_falls_only_when_the_interval_clears_the_threshold(good: int, n: int, verdict: Verdict) -> None:
    assert judge(AT_LEAST_70, csat(good, n), TODAY).verdict is verdict


def test_what_does_not_arrive_is_not_measured() -> None:
    found = judge(AT_LEAST_70, csat(0, 0, sources=Sources({})), TODAY)
    assert found.verdict is Verdict.NOT_MEASURED
    assert "rating" in found.explanation


def test_at_most_is_the_mirror_of_at_least() -> None:
    measures = {"j.started": 1000, "j.abandoned": 100}
    found = evaluate(BY_ID["abandonment-by-step"], evidence(measures))
    target = Target("few-give-up", "abandonment-by-step", "at_most", 15.0, "plan")
    assert judge(target, found, TODAY).verdict is Verdict.MET
    assert judge(replace(target, threshold=5.0), found, TODAY).verdict is Verdict.MISSED
    assert judge(replace(target, threshold=10.5), found, TODAY).verdict is Verdict.TOO_CLOSE


@pytest.mark.requirement("A4")
def test_a_quantile_that_was_not_reached_can_miss_a_target_but_not_meet_it() -> None:
    cohorts = (cohort(T0, T0, 200, {("fulfilled", bin_of(10 * DAY)): 20}),)
    found = evaluate(BY_ID["mtcf-median"], evidence({}, cohorts=cohorts, as_of_ms=T0 + 40 * DAY))
    target = Target("soon", "mtcf-median", "at_most", 30.0, "plan")
    assert judge(target, found, TODAY).verdict is Verdict.MISSED
    assert judge(replace(target, threshold=60.0), found, TODAY).verdict is Verdict.TOO_CLOSE


def test_past_its_review_date_a_target_is_overdue_and_still_judged() -> None:
    old = replace(AT_LEAST_70, review_by=date(2026, 1, 31))
    assert judge(old, csat(850, 1000), TODAY).review_overdue
    assert not judge(old, csat(850, 1000), date(2026, 1, 31)).review_overdue
    assert judge(old, csat(850, 1000), TODAY).verdict is Verdict.MET


def test_the_explanation_does_not_round_the_verdict_away() -> None:
    found = judge(AT_LEAST_70, csat(69_970, 100_000), TODAY)
    assert "69.97 %" in found.explanation
    assert found.explanation.startswith("Too close to call")


def test_a_result_of_another_kpi_cut_or_confidence_is_refused() -> None:
    for other in (
        replace(AT_LEAST_70, kpi="nps"),
        replace(AT_LEAST_70, cut="channel=web"),
        replace(AT_LEAST_70, confidence=0.9),
    ):
        with pytest.raises(ValueError, match="not the result"):
            judge(other, csat(850, 1000), TODAY)
