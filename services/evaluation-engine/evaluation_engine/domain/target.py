"""A target and its verdict: met or missed only when the interval clears the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from civiloop_shared.contracts.evaluations import KpiResult, ResultState, TargetResult, Verdict
from evaluation_engine.domain.result import display


@dataclass(frozen=True, slots=True)
class Target:
    """A threshold for a KPI; `confidence` is the level of the interval that the result must be evaluated with."""

    id: str
    kpi: str
    comparison: Literal["at_least", "at_most"]
    threshold: float
    origin: str
    cut: str = ""
    confidence: float = 0.95
    by: date | None = None
    review_by: date | None = None


def judge(target: Target, result: KpiResult, today: date) -> TargetResult:
    """The verdict, with a sentence that says why.

    Raises:
        ValueError: the result is of another KPI, cut or confidence.
    """
    interval = result.interval
    if (result.kpi, result.cut) != (target.kpi, target.cut) or (interval and interval.level != target.confidence):
        raise ValueError(f"{target.id}: this is not the result that the target is about")
    verdict = verdict_of(target, result)
    return TargetResult(
        target=target.id,
        kpi=target.kpi,
        comparison=target.comparison,
        threshold=target.threshold,
        unit=result.unit,
        verdict=verdict,
        explanation=_explained(target, result, verdict),
        review_overdue=target.review_by is not None and today > target.review_by,
        result=result,
    )


def verdict_of(target: Target, result: KpiResult) -> Verdict:
    """One of the five."""
    if result.state in (ResultState.NOT_MEASURED, ResultState.STALE):
        return Verdict.NOT_MEASURED
    usable = result.state in (ResultState.OK, ResultState.NOT_REACHED)
    if not usable or result.n < result.minimum_to_judge or result.interval is None:
        return Verdict.NOT_ENOUGH
    low, high = result.interval.low, result.interval.high
    if target.comparison == "at_least":
        clears = low is not None and low >= target.threshold
        fails = high is not None and high < target.threshold
    else:
        clears = high is not None and high <= target.threshold
        fails = low is not None and low > target.threshold
    if clears:
        return Verdict.MET
    return Verdict.MISSED if fails else Verdict.TOO_CLOSE


def _explained(target: Target, result: KpiResult, verdict: Verdict) -> str:
    wanted = f"{target.comparison.replace('_', ' ')} {target.threshold:g} {result.unit}"
    if verdict is Verdict.NOT_MEASURED:
        return f"Not measured: {result.reason}. Wanted: {wanted}."
    if verdict is Verdict.NOT_ENOUGH:
        missing = result.reason or f"{result.n} of at least {result.minimum_to_judge}"
        return f"Not enough data: {missing}. Wanted: {wanted}."
    words = {Verdict.MET: "Met", Verdict.MISSED: "Missed", Verdict.TOO_CLOSE: "Too close to call"}
    return f"{words[verdict]}: {described(result, target.threshold)}. Wanted: {wanted}."


def described(result: KpiResult, threshold: float | None = None) -> str:
    """Value, interval and sample size in words."""
    value = "not reached" if result.value is None else f"{display(result.value, threshold)} {result.unit}"
    return f"{value} ({between(result)}n = {result.n})"


def between(result: KpiResult) -> str:
    """The interval in words, with a comma behind it, or nothing."""
    if result.interval is None:
        return ""
    low, high = result.interval.low, result.interval.high
    if high is None:
        return f"at least {display(low or 0.0)}, "
    return f"{display(low or 0.0)} to {display(high)}, "
