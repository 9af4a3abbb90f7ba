"""The rule that decides "redesign".

A benchmark has criteria. Each watches one KPI and may have a goal, a redesign limit and a
re-implement limit; each limit is a `Rule` with its own state. A level is required when its
combination of breached limits holds, in three-valued logic; a critical breach decides whatever is
unknown.

re-implement   the re-implement level is required
redesign       the redesign level is required
not enough     one of the two levels could still turn out to be required
improve        neither is required, and a goal is missed
keep           neither is required, and every goal is reached
not enough     neither is required, no goal is missed, and a goal is unknown

A limit that is breached but not yet confirmed (pending) does not count as breached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import BenchmarkResult, ClauseResult, KpiResult, Period, RedesignVerdict
from evaluation_engine.domain import rule as rules
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.redesign import explanation, kleene
from evaluation_engine.domain.redesign.benchmark import Benchmark, Criterion
from evaluation_engine.domain.redesign.clause import Clause, Level
from evaluation_engine.domain.redesign.kleene import Truth
from evaluation_engine.domain.rule import Memory, Rule

Results = Mapping[tuple[str, str], KpiResult]
"""Results by (KPI, cut)."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a benchmark says, with what has to be kept for the next scheduled evaluation."""

    verdict: RedesignVerdict
    redesign: Truth
    reimplement: Truth
    clauses: tuple[Clause, ...]

    @property
    def memories(self) -> dict[str, Memory]:
        """State of each rule after this evaluation, by rule id."""
        return {clause.rule: clause.memory for clause in self.clauses if clause.memory is not None}

    def to_result(self, benchmark: Benchmark, definitions: Mapping[str, Definition]) -> BenchmarkResult:
        """As stored and shown, explained clause by clause."""
        titles = {kpi: one.title.get("en", kpi) for kpi, one in definitions.items()}
        said = explanation.Judged(
            verdict=self.verdict,
            redesign=self.redesign,
            reimplement=self.reimplement,
            clauses=self.clauses,
            combinations={
                "redesign": benchmark.redesign_when.in_words,
                "reimplement": benchmark.reimplement_when.in_words,
            },
            draft=benchmark.draft,
        )
        return BenchmarkResult(
            benchmark=benchmark.id,
            verdict=self.verdict,
            draft=benchmark.draft,
            explanation=explanation.explain(said, titles),
            clauses=tuple(_to_wire(clause, titles) for clause in self.clauses),
            states={
                clause.rule: {
                    **clause.memory.to_json(),
                    "before": clause.before.value,
                    "rule_version": benchmark.version,
                    "kpi_version": clause.result.definition_version if clause.result else None,
                }
                for clause in self.clauses
                if clause.memory is not None
            },
        )


def as_left(benchmark: Benchmark, before: Iterable[BenchmarkResult], period: Period | None) -> BenchmarkResult:
    """What the evaluation of the last closed period left of a benchmark, with that period.

    Looks in between decide nothing: only evaluations of closed periods move rules.
    """
    left = next((one for one in before if one.benchmark == benchmark.id), None)
    if left is None:
        said = f"{explanation.HEADS[RedesignVerdict.NOT_ENOUGH]} No period has closed yet."
        return BenchmarkResult(
            benchmark=benchmark.id,
            verdict=RedesignVerdict.NOT_ENOUGH,
            draft=benchmark.draft,
            explanation=said,
            clauses=(),
        )
    changed = any(state["rule_version"] != benchmark.version for state in left.states.values())
    after = " The benchmark was changed since: the next period is judged by the new one." if changed else ""
    return left.model_copy(update={"period": period, "explanation": left.explanation + after})


def judge(benchmark: Benchmark, results: Results, before: Mapping[str, Memory]) -> Judgement:
    """Evaluate a benchmark on results by (KPI, cut) and what its rules remember; a missing result is unknown."""
    clauses: list[Clause] = []
    for criterion in benchmark.criteria:
        result = results.get((criterion.kpi, criterion.cut))
        for level, rule in criterion.rules(benchmark.version):
            clauses.append(_watched(criterion, level, rule, result, before.get(rule.id, Memory())))
        if criterion.goal is not None:
            clauses.append(_goal(criterion, criterion.goal, result))
    redesign = benchmark.redesign_when.holds(c for c in clauses if c.level == "redesign")
    reimplement = benchmark.reimplement_when.holds(c for c in clauses if c.level == "reimplement")
    missed = kleene.any_of(c.truth for c in clauses if c.level == "goal")
    return Judgement(_verdict(redesign, reimplement, missed), redesign, reimplement, tuple(clauses))


def _verdict(redesign: Truth, reimplement: Truth, goal_missed: Truth) -> RedesignVerdict:
    if reimplement:
        return RedesignVerdict.REIMPLEMENT
    if redesign:
        return RedesignVerdict.REDESIGN
    if redesign is None or reimplement is None:
        return RedesignVerdict.NOT_ENOUGH
    if goal_missed:
        return RedesignVerdict.IMPROVE
    return RedesignVerdict.NOT_ENOUGH if goal_missed is None else RedesignVerdict.KEEP


def _watched(criterion: Criterion, level: Level, rule: Rule, result: KpiResult | None, before: Memory) -> Clause:
    if result is None:
        after, observed = rules.without_result(rule, before), None
    else:
        seen = rules.observe(rule, result, before)
        after, observed = seen.after, seen.observed
    return Clause(
        rule=rule.id,
        kpi=criterion.kpi,
        level=level,
        side=rule.side,
        threshold=rule.breach,
        critical=criterion.critical,
        weight=criterion.weight,
        truth=_truth(after.status),
        state=after.status.value,
        observed=observed,
        result=result,
        before=before.status,
        memory=after,
        clear=rule.clear,
    )


def _truth(status: rules.Status) -> Truth:
    if status.firing:
        return True
    return None if status in (rules.Status.INSUFFICIENT, rules.Status.NO_DATA) else False


def _goal(criterion: Criterion, goal: float, result: KpiResult | None) -> Clause:
    """A goal is missed when the point is on the bad side of it, with enough data to judge; it remembers nothing."""
    rule = Rule(
        id=f"{criterion.id}.goal",
        kpi=criterion.kpi,
        cut=criterion.cut,
        side=criterion.side,
        breach=goal,
        clear=goal,
        min_sample=criterion.min_sample,
    )
    seen = rules.observe(rule, result, Memory()) if result else None
    status = seen.after.status if seen else rules.Status.NO_DATA
    return Clause(
        rule=rule.id,
        kpi=criterion.kpi,
        level="goal",
        side=rule.side,
        threshold=goal,
        critical=False,
        weight=criterion.weight,
        truth=_truth(status),
        state="missed" if status.firing else ("reached" if status is rules.Status.OK else status.value),
        observed=seen.observed if seen else None,
        result=result,
        before=rules.Status.OK,
        memory=None,
        clear=goal,
    )


def _to_wire(clause: Clause, titles: Mapping[str, str]) -> ClauseResult:
    return ClauseResult(
        rule=clause.rule,
        kpi=clause.kpi,
        level=clause.level,
        state=clause.state,
        critical=clause.critical,
        threshold=clause.threshold,
        observed=clause.observed,
        n=clause.result.n if clause.result else 0,
        explanation=explanation.clause_sentence(clause, titles),
        held=clause.truth,
        margin=clause.margin,
        side=clause.side,
        clear=clause.clear,
        unit=clause.result.unit if clause.result else "",
    )
