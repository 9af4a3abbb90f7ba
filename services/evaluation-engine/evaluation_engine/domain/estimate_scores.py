"""Scores, measured values and rates."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from evaluation_engine.domain import intervals
from evaluation_engine.domain.estimated import Estimate, number, proportion
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import Bounds
from evaluation_engine.domain.kpi import DAY_MS
from evaluation_engine.domain.kpi_measures import Linear, MeasuredMean, Rate, Score, Sum
from evaluation_engine.domain.sketch import RELATIVE_ERROR

PROMISED = "promised_days"
_MILLI = 1000


class Sums(NamedTuple):
    """Exact sums of points, and the scale that the points span."""

    n: int
    total: int
    squares: int
    scale: tuple[int, int]


def sums_of(measure: Score, found: Mapping[str, int]) -> Sums:
    """What was answered, in points."""
    counts = [(points, found.get(name, 0)) for name, points in measure.points]
    return Sums(
        n=sum(count for _, count in counts),
        total=sum(points * count for points, count in counts),
        squares=sum(points * points * count for points, count in counts),
        scale=(min(points for points, _ in counts), max(points for points, _ in counts)),
    )


def score(measure: Score, found: Mapping[str, int], level: float) -> Estimate:
    """Mean of points; the interval stays on the scale that the points span."""
    n, total, squares, scale = sums_of(measure, found)
    bounds = intervals.bounded_mean(n, total, squares, scale, level) if n > 0 else None
    return Estimate(
        value=total / (n * measure.per) if n > 0 else None,
        n=max(n, 0),
        method="t, bounded",
        bounds=Bounds(bounds.low / measure.per, bounds.high / measure.per) if bounds else None,
        numerator=total / measure.per,
        denominator=n,
    )


def measured_mean(measure: MeasuredMean, found: Mapping[str, int], level: float) -> Estimate:
    """Mean of the values of a measurement that were reported in the period."""
    name, unit = f"m.{measure.name}", float(measure.factor) / _MILLI
    n, total = found.get(f"{name}.samples") or found.get(f"{name}.n", 0), found.get(f"{name}.sum", 0)
    bounds = intervals.mean(n, total, found.get(f"{name}.sumsq", 0), level, least=0.0)
    return Estimate(
        value=float(measure.factor * total / (n * _MILLI)) if n else None,
        n=n,
        method="t",
        bounds=Bounds(bounds.low * unit, bounds.high * unit) if bounds else None,
        numerator=total * unit,
        denominator=n,
    )


def rate(measure: Rate, evidence: Evidence, level: float) -> Estimate:
    """One sum over another; the parts of the period are its units of analysis."""
    found, factor = evidence.measures, measure.factor
    divisor = lcm(_divisor(measure.numerator), _divisor(measure.denominator))
    parts = [
        (_whole(measure.numerator, part, divisor), _whole(measure.denominator, part, divisor))
        for part in evidence.buckets
    ]
    used = [(x, y) for x, y in parts if x or y]
    pairs = intervals.Pairs(
        n=len(used),
        x=sum(x for x, _ in used),
        y=sum(y for _, y in used),
        xx=sum(x * x for x, _ in used),
        yy=sum(y * y for _, y in used),
        xy=sum(x * y for x, y in used),
    )
    bounds = intervals.ratio(pairs, level)
    over, under = number(measure.numerator, found), number(measure.denominator, found)
    n = found.get(measure.n_of, 0) if measure.n_of else int(under)
    reported = [found.get(f"m.{name}.n", 0) for name in measure.measurements]
    return Estimate(
        value=_exact(measure, found) if under > 0 else None,
        n=max(n, 0),
        method="delta",
        bounds=Bounds(bounds.low * factor, bounds.high * factor) if bounds else None,
        numerator=over,
        denominator=under,
        details={"buckets": len(used), "measured": min(reported, default=1), **_unwatched(measure, evidence, under)},
    )


def _unwatched(measure: Rate, evidence: Evidence, watched_s: float) -> dict[str, float]:
    """The part of the period so far that nobody watched, in seconds: it is in neither sum."""
    elapsed_s = (evidence.seen_until_ms - evidence.start_ms) / _MILLI
    return {"unwatched_seconds": max(0.0, elapsed_s - watched_s)} if measure.of_time else {}


def _exact(measure: Rate, found: Mapping[str, int]) -> float:
    """The value to the last bit: a threshold may lie exactly on it."""
    return float(measure.factor * Fraction(measure.numerator.of(found)) / measure.denominator.of(found))


def _divisor(of: Sum) -> int:
    return of.divisor if isinstance(of, Linear) else 1


def _whole(of: Sum, found: Mapping[str, int], divisor: int) -> int:
    return int(of.of(found) * divisor)


def within_promise(prefix: str, evidence: Evidence, level: float) -> Estimate:
    """Share of finished cases within what the service promises, from bins of at most 1 %."""
    promised = evidence.settings.get(PROMISED)
    sketch = evidence.sketch(prefix)
    if promised is None:
        return Estimate(None, sketch.n, "wilson")
    inside = sketch.within(float(promised) * DAY_MS)
    return proportion(inside, sketch.n, level, {PROMISED: float(promised), "relative_error": RELATIVE_ERROR})
