"""Goals: what measures them, what hangs loose, and what the KPIs of one family can't show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from civiloop_shared.contracts.evaluations import KpiResult, Period, ResultState, TargetResult, Verdict
from evaluation_engine.domain.goal import Goal, GoalState, align, results_of
from evaluation_engine.domain.kpi_catalogue import BY_ID

PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC), zone="UTC")


def result(kpi: str) -> KpiResult:
    return KpiResult(
        kpi=kpi, definition_version=1, state=ResultState.OK, value=80.0, unit="%", direction="up", n=200, period=PERIOD
    )


def target(id_: str, kpi: str, verdict: Verdict) -> TargetResult:
    return TargetResult(
        target=id_,
        kpi=kpi,
        comparison="at_least",
        threshold=80,
        unit="%",
        verdict=verdict,
        explanation="",
        result=result(kpi),
    )


def goal(id_: str, *kpis: str, targets: tuple[str, ...] = ()) -> Goal:
    return Goal(id_, "citizen", {"en": id_}, kpis, targets)


@pytest.mark.requirement("A5")
def test_orphans_are_found_on_both_sides() -> None:
    found = align([goal("fast", "csat"), goal("fair")], [BY_ID["csat"], BY_ID["nps"]], [])
    assert found.goals_without_kpi == ("fair",)
    assert found.kpis_without_goal == ("nps",)


@pytest.mark.requirement("F2")
@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([], GoalState.NO_TARGET),
        ([Verdict.MET, Verdict.MET], GoalState.REACHED),
        ([Verdict.MET, Verdict.TOO_CLOSE], GoalState.OPEN),
        ([Verdict.MET, Verdict.NOT_ENOUGH], GoalState.OPEN),
        ([Verdict.NOT_MEASURED], GoalState.OPEN),
        ([Verdict.MET, Verdict.MISSED], GoalState.NOT_REACHED),
    ],
)
def test_progress_of_a_goal_is_that_of_its_targets(verdicts: list[Verdict], state: GoalState) -> None:
    targets = [target(f"t{n}", "csat", verdict) for n, verdict in enumerate(verdicts)]
    (aligned,) = align([goal("fast", "csat")], [BY_ID["csat"]], targets).goals
    assert aligned.state is state
    assert aligned.count(Verdict.MET) == verdicts.count(Verdict.MET)


def test_a_target_set_for_one_goal_counts_for_no_other_and_brings_its_kpi_along() -> None:
    goals = [goal("fast", "csat"), goal("fair", targets=("t-nps", "t-csat"))]
    targets = [target("t-csat", "csat", Verdict.MISSED), target("t-nps", "nps", Verdict.MET)]
    fast, fair = align(goals, [BY_ID["csat"], BY_ID["nps"]], targets).goals
    assert (fast.state, [one.target for one in fair.targets]) == (GoalState.NO_TARGET, ["t-csat", "t-nps"])
    assert fair.kpis == ("csat", "nps")
    assert [one.kpi for one in results_of(fair, [result("nps"), result("csat")])] == ["csat", "nps"]


@pytest.mark.requirement("C2")
def test_a_set_of_one_family_is_one_sided() -> None:
    found = align([], [BY_ID["csat"], BY_ID["nps"]], [])
    assert found.families.missing == ("it_performance", "business_performance")
    assert found.outcomes.missing == ("business", "service")
