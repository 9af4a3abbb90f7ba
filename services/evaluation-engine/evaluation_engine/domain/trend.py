"""Whether a target is at risk: where the trend of the last periods leads, beside what the verdict says of the newest.

The slope is the median of all pairwise slopes (Theil 1950, Sen 1968) over at least 4 and at most 12 periods with enough
data. It counts only when Kendall's test against no trend (exact, one-sided) has p ≤ 0.05; else the last value stands.
Periods that overlap are no news of each other, so the newest of them alone counts: a KPI of the last calendar month has
one value a month however often it is looked at. The line is drawn from the last value to the day by which the target is
to be met, or one period ahead where there is no such day, and never further ahead than the periods reach back.

A target is at risk when its KPI heads for the bad side of the threshold and the line gets there; or when it is on the
bad side now, is to be met by a day that is still to come, and the line doesn't get it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import combinations, pairwise
from statistics import median

from evaluation_engine.domain.result import display
from evaluation_engine.domain.target import Target

FEWEST, MOST = 4, 12
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Point:
    """The value of a KPI over a period from ``start`` that ended before ``end``."""

    start: date
    end: date
    value: float


@dataclass(frozen=True, slots=True)
class Course:
    """Where a target is going. ``at_risk`` is None where too few periods are known; ``slope`` is per day."""

    at_risk: bool | None
    sentence: str
    periods: int
    slope: float | None = None
    p_value: float | None = None
    projected: float | None = None
    on: date | None = None


def course(target: Target, points: Sequence[Point], unit: str) -> Course:
    """Return where a target goes by its points, earliest first."""
    known = _apart(points)[-MOST:]
    if len(known) < FEWEST:
        few = f"{len(known)} of at least {FEWEST} periods that don't overlap are known, too few for a trend."
        return Course(None, few, len(known))
    slope = sen_slope(known)
    p_value = kendall_p([point.value for point in known])
    last = known[-1]
    on = _horizon(target, known)
    steady = p_value > SIGNIFICANT
    projected = last.value + (0.0 if steady else slope * (on - last.end).days)
    worsening = not steady and (slope < 0) == (target.comparison == "at_least") and slope != 0
    due = target.by is not None and target.by >= last.end
    at_risk = _bad(target, projected) and (worsening or (due and _bad(target, last.value)))
    return Course(
        at_risk=at_risk,
        sentence=_sentence(target, at_risk=at_risk, worsening=worsening, projected=projected, on=on, unit=unit),
        periods=len(known),
        slope=slope,
        p_value=p_value,
        projected=projected,
        on=on,
    )


def _apart(points: Sequence[Point]) -> list[Point]:
    """Return the newest point and, going back, every one whose period ended before that of the one kept last began."""
    kept: list[Point] = []
    for point in reversed(points):
        if not kept or point.end <= kept[-1].start:
            kept.append(point)
    return kept[::-1]


def sen_slope(points: Sequence[Point]) -> float:
    """Return the median of all pairwise slopes, per day."""
    return median((b.value - a.value) / (b.end - a.end).days for a, b in combinations(points, 2))


def kendall_p(values: Sequence[float]) -> float:
    """Return the exact one-sided p of Kendall's test in the direction that the values take; ties count for neither."""
    score = sum((b > a) - (b < a) for a, b in combinations(values, 2))
    return _at_least(len(values), abs(score))


@lru_cache(maxsize=256)
def _at_least(n: int, score: int) -> float:
    """Return how likely a random order of n values has a score of at least this."""
    counts = [1]
    for k in range(2, n + 1):
        wider = [0] * (len(counts) + k - 1)
        for inversions, count in enumerate(counts):
            for more in range(k):
                wider[inversions + more] += count
        counts = wider
    pairs = n * (n - 1) // 2
    return sum(count for inversions, count in enumerate(counts) if pairs - 2 * inversions >= score) / sum(counts)


def _horizon(target: Target, points: Sequence[Point]) -> date:
    last = points[-1].end
    furthest = last + (last - points[0].end)
    if target.by is not None and target.by >= last:
        return min(target.by, furthest)
    return last + timedelta(days=round(median((b.end - a.end).days for a, b in pairwise(points))))


def _bad(target: Target, value: float) -> bool:
    return value < target.threshold if target.comparison == "at_least" else value > target.threshold


def _sentence(target: Target, *, at_risk: bool, worsening: bool, projected: float, on: date, unit: str) -> str:
    wanted = f"{target.comparison.replace('_', ' ')} {target.threshold:g} {unit}"
    value = f"{display(projected, target.threshold)} {unit} by {on}"
    if not at_risk:
        return f"Not at risk: the trend leads to {value}. Wanted: {wanted}."
    if worsening:
        return f"At risk: it is getting worse and the trend leads to {value}. Wanted: {wanted}."
    return f"At risk: the trend leads to {value}, which is not enough. Wanted: {wanted}."
