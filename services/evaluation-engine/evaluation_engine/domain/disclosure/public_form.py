"""How a result, a target and a benchmark look to the public, shown or hidden."""

from __future__ import annotations

from collections.abc import Container

from civiloop_shared.contracts.evaluations import (
    BenchmarkResult,
    ClauseResult,
    KpiResult,
    PublishedBenchmark,
    PublishedTarget,
    ResultState,
    TargetResult,
)

REASON = "not shown, so that nobody can be recognised"
HIDDEN = "hidden"
_TOLD = ("published", "level", "horizon_days", "quantile", "relative_error")
"""Details that say no more than the value: the official figure and level, and how it was computed."""


def public(result: KpiResult, *, bare: bool = False) -> KpiResult:
    """A result that is shown: without what tells of other groups than its own.

    ``bare`` is a gap between two groups: n and interval beside it would give both groups' people and hits.
    """
    if bare and result.value is None and result.n:
        return hidden(result)
    if bare:
        value = None if result.value is None else round(result.value, 1)
        return hidden(result).model_copy(update={"state": result.state, "reason": None, "value": value})
    return result.model_copy(
        update={
            "reason": None,
            "eligible": None,
            "response_rate": None,
            "channels_reporting": (),
            "details": {name: result.details[name] for name in _TOLD if name in result.details},
        }
    )


def hidden(result: KpiResult) -> KpiResult:
    """A result that isn't: one neutral reason, no number, no state that would say how many there are."""
    return public(result).model_copy(
        update={
            "state": ResultState.SUPPRESSED,
            "reason": REASON,
            "value": None,
            "n": 0,
            "interval": None,
            "numerator": None,
            "denominator": None,
            "details": {},
        }
    )


def public_target(target: TargetResult, *, bare: bool = False) -> PublishedTarget:
    """A target with its verdict; of a ``bare`` number without the sentence that says n and interval."""
    return hidden_target(target).model_copy(
        update={
            "verdict": target.verdict,
            "explanation": "" if bare else target.explanation,
            "result": public(target.result, bare=bare),
        }
    )


def hidden_target(target: TargetResult) -> PublishedTarget:
    """A target without: the verdict is computed of what is hidden."""
    return PublishedTarget(
        target=target.target,
        kpi=target.kpi,
        comparison=target.comparison,
        threshold=target.threshold,
        unit=target.unit,
        review_overdue=target.review_overdue,
        result=hidden(target.result),
    )


def public_benchmark(one: BenchmarkResult, bare: Container[str] = ()) -> PublishedBenchmark:
    """A benchmark all of whose numbers are shown, some of them ``bare``: then its sentences are left out."""
    rests_on_bare = any(clause.kpi in bare for clause in one.clauses)
    return PublishedBenchmark(
        benchmark=one.benchmark,
        verdict=one.verdict,
        draft=one.draft,
        explanation="" if rests_on_bare else one.explanation,
        clauses=tuple(_bare_clause(clause) if clause.kpi in bare else clause for clause in one.clauses),
    )


def _bare_clause(clause: ClauseResult) -> ClauseResult:
    observed = None if clause.observed is None else round(clause.observed, 1)
    return clause.model_copy(update={"observed": observed, "n": 0, "explanation": "", "margin": None})


def hidden_benchmark(one: BenchmarkResult) -> PublishedBenchmark:
    """A benchmark with criteria and thresholds only: its verdict, and each clause beside it, may tell of the hidden."""
    return PublishedBenchmark(benchmark=one.benchmark, draft=one.draft, clauses=tuple(map(_hidden_clause, one.clauses)))


def _hidden_clause(clause: ClauseResult) -> ClauseResult:
    return clause.model_copy(
        update={"state": HIDDEN, "observed": None, "n": 0, "explanation": "", "held": None, "margin": None}
    )
