"""Goals: what is to be reached, for whom, and how far the KPIs that hang from them have got.

A goal is measured by the KPIs it names and by those of its targets; progress is how many of its targets are met.
Orphans are shown on both sides: a goal that nothing measures, and a KPI that serves no goal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from civiloop_shared.contracts.evaluations import KpiResult, TargetResult, Verdict
from evaluation_engine.domain.kpi import Definition

FAMILIES = ("it_performance", "business_performance", "customer_satisfaction")
OUTCOMES = ("citizen", "business", "service")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached. ``targets`` are the ids of targets that were set for it."""

    id: str
    outcome: Literal["citizen", "business", "service"]
    statement: Mapping[str, str]
    kpis: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    owner: str | None = None


class GoalState(StrEnum):
    """How far a goal is."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    OPEN = "open"
    NO_TARGET = "no_target"
    NO_KPI = "no_kpi"


@dataclass(frozen=True, slots=True)
class Aligned:
    """A goal with what measures it, as evaluated."""

    goal: Goal
    kpis: tuple[str, ...]
    targets: tuple[TargetResult, ...]
    state: GoalState

    def count(self, verdict: Verdict) -> int:
        """Return how many of its targets have a verdict."""
        return sum(target.verdict is verdict for target in self.targets)


@dataclass(frozen=True, slots=True)
class Balance:
    """How many KPIs in use there are of each kind; ``missing`` are the kinds that none is of."""

    counts: Mapping[str, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the kinds without a KPI: with any, the set is one-sided."""
        return tuple(kind for kind, count in self.counts.items() if not count)


@dataclass(frozen=True, slots=True)
class Alignment:
    """All goals of a service beside all KPIs in use."""

    goals: tuple[Aligned, ...]
    kpis_without_goal: tuple[str, ...]
    families: Balance
    outcomes: Balance

    @property
    def goals_without_kpi(self) -> tuple[str, ...]:
        """Return goals that nothing measures."""
        return tuple(one.goal.id for one in self.goals if one.state is GoalState.NO_KPI)


def align(goals: Iterable[Goal], used: Sequence[Definition], targets: Iterable[TargetResult]) -> Alignment:
    """Hang KPIs in use and evaluated targets from their goals.

    A target set for no goal counts for every goal that names its KPI.
    """
    goals, targets = tuple(goals), tuple(targets)
    set_for_one = {target for goal in goals for target in goal.targets}
    aligned = tuple(_aligned(goal, targets, set_for_one) for goal in goals)
    served = {kpi for one in aligned for kpi in one.kpis}
    return Alignment(
        goals=aligned,
        kpis_without_goal=tuple(one.id for one in used if one.id not in served),
        families=Balance({family: sum(one.family == family for one in used) for family in FAMILIES}),
        outcomes=Balance({outcome: sum(one.outcome == outcome for one in used) for outcome in OUTCOMES}),
    )


def _aligned(goal: Goal, targets: Sequence[TargetResult], set_for_one: set[str]) -> Aligned:
    own = tuple(
        one for one in targets if one.target in goal.targets or (one.target not in set_for_one and one.kpi in goal.kpis)
    )
    kpis = tuple(dict.fromkeys((*goal.kpis, *(one.kpi for one in own))))
    return Aligned(goal, kpis, own, _state(kpis, [one.verdict for one in own]))


def _state(kpis: Sequence[str], verdicts: Sequence[Verdict]) -> GoalState:
    if not kpis:
        return GoalState.NO_KPI
    if not verdicts:
        return GoalState.NO_TARGET
    if Verdict.MISSED in verdicts:
        return GoalState.NOT_REACHED
    return GoalState.REACHED if all(verdict is Verdict.MET for verdict in verdicts) else GoalState.OPEN


def results_of(aligned: Aligned, results: Iterable[KpiResult]) -> tuple[KpiResult, ...]:
    """Return the results of the KPIs of a goal, over the whole service, in the goal's order."""
    by_kpi = {one.kpi: one for one in results if not one.cut}
    return tuple(by_kpi[kpi] for kpi in aligned.kpis if kpi in by_kpi)
