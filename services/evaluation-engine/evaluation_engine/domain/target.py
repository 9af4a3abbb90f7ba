"""A target and its verdict: met or missed only when the interval clears the threshold.

A verdict on a run may be given at every look, one on a period once, at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from civiloop_shared.contracts.evaluations import KpiResult, Period, ResultState, TargetResult, Verdict
from evaluation_engine.domain.result import display
from evaluation_engine.domain.sequences import level_of_run


@dataclass(frozen=True, slots=True)
class Target:
    """A threshold for a KPI; `confidence` is that of the verdicts of one period, or of all looks of a year together."""

    id: str
    kpi: str
    comparison: Literal["at_least", "at_most"]
    threshold: float
    origin: str
    cut: str = ""
    confidence: float = 0.95
    by: date | None = None
    review_by: date | None = None


def judge(target: Target, result: KpiResult, today: date, *, runs: int | None = None) -> TargetResult:
    """The verdict, with a sentence that says why; `runs` a year where the result is of a run.

    Raises:
        ValueError: the result is of another KPI, cut or confidence.
    """
    if not fits(target, result, level_of(target, runs)):
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
        judged="at_every_look" if result.for_repeated_looks else "at_period_end",
        result=result,
    )


def level_of(target: Target, runs: int | None = None) -> float:
    """The level of the interval that a target is judged by."""
    return target.confidence if runs is None else level_of_run(target.confidence, runs)


def fits(target: Target, result: KpiResult, level: float) -> bool:
    """Whether a result is what a target is about, at this level."""
    of_it = (result.kpi, result.cut) == (target.kpi, target.cut)
    return of_it and (result.interval is None or result.interval.level == level)


def judge_by_period(
    target: Target, result: KpiResult, before: Sequence[TargetResult], today: date, why: str
) -> TargetResult:
    """The verdict on a target that has none at every look: that of the last closed period, or of `result` before it.

    Args:
        target: As it is now: the result of the period is judged by the threshold in force.
        result: What says that no period has closed yet.
        before: Targets as the last closed period left them.
        today: The local day, for the review.
        why: Why there is no verdict at every look, in words.
    """
    left = (one.result for one in before if one.target == target.id and fits(target, one.result, target.confidence))
    judged = judge(target, next(left, result), today)
    first, last = days_of(judged.result.period)
    said = f"{judged.explanation} Judged at the end of a period, this is {first} to {last}: {why}."
    return judged.model_copy(update={"explanation": said})


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
    since = f" since {days_of(result.period)[0]}" if result.for_repeated_looks else ""
    return f"{words[verdict]}: {described(result, target.threshold)}{since}. Wanted: {wanted}."


def days_of(period: Period) -> tuple[date, date]:
    """First and last local day of a period."""
    zone = ZoneInfo(period.zone)
    return period.start.astimezone(zone).date(), (period.end - timedelta(milliseconds=1)).astimezone(zone).date()


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
