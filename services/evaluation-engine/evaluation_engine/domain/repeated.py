"""A number that is looked at again and again over a run: the estimate of one look, with the bounds of a sequence.

Shares, scores, plain means and quantiles have one. A quantile is watched as a share: its bounds are all values of which
the sequence of the share below them does not exclude the quantile (Howard, Ramdas 2022, doi:10.3150/21-BEJ1388), so
that they clear a threshold exactly when the share within the threshold clears the quantile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluation_engine.domain import sequences
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.estimate_scores import sums_of
from evaluation_engine.domain.estimated import Estimate
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import Bounds, Closed
from evaluation_engine.domain.kpi import DAY_MS, Definition
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Measure,
    MeasuredMean,
    NetScore,
    Score,
    Share,
)
from evaluation_engine.domain.sketch import Sketch

SHARE = "beta-binomial sequence"
MEAN = "asymptotic sequence"
QUANTILE = "beta-binomial sequence of the share below"
_MILLI = 1000


def hindrance(definition: Definition) -> str | None:
    """Why a KPI can't be judged at every look, in words; None where it can."""
    if definition.window != "period":
        return f"it is counted over its own window ({definition.window}), which has no fixed start"
    if definition.anchor == "start":
        return "journeys that have just begun have no outcome yet"
    if not isinstance(definition.measure, Share | NetScore | Score | MeasuredMean | DurationMean | DurationQuantile):
        return "its interval is made for one look"
    return None


def first_look(measure: Measure) -> int:
    """Number of answers or cases from which on a sequence says anything."""
    return sequences.FIRST_LOOK if isinstance(measure, NetScore | Score | MeasuredMean | DurationMean) else 1


def estimate_repeated(measure: Measure, evidence: Evidence, level: float) -> Estimate:
    """Value and interval at the level of the run; evidence is of all of the run up to now.

    Raises:
        ValueError: there is no sequence for this kind, see `hindrance`.
    """
    once, found = estimate(measure, evidence, level), evidence.measures
    match measure:
        case NetScore():
            method, bounds = MEAN, _net_score(once, level)
        case Score():
            method, bounds = MEAN, _score(measure, found, level)
        case MeasuredMean():
            unit = float(measure.factor) / _MILLI
            method, bounds = MEAN, _mean(once, f"m.{measure.name}", found, level, unit)
        case DurationMean():
            method, bounds = MEAN, _mean(once, measure.prefix, found, level, 1 / DAY_MS)
        case DurationQuantile():
            method, bounds = QUANTILE, _quantile(measure, found, level)
        case _ if isinstance(measure, Share):
            method, bounds = SHARE, _share(once, level)
        case _:
            raise ValueError(f"{type(measure).__name__} has no confidence sequence")
    return replace(once, method=method, bounds=bounds)


def _share(once: Estimate, level: float) -> Bounds | None:
    count, n = once.numerator, once.denominator
    if count is None or n is None or not 0 <= count <= n:
        return None
    return _times(sequences.proportion(count, n, level), 100)


def _net_score(once: Estimate, level: float) -> Bounds | None:
    up, down = once.details["promoters"], once.details["detractors"]
    return _times(sequences.bounded_mean(once.n, up - down, up + down, (-1, 1), level), 100)


def _score(measure: Score, found: Mapping[str, int], level: float) -> Bounds | None:
    sums = sums_of(measure, found)
    return _times(sequences.bounded_mean(sums.n, sums.total, sums.squares, sums.scale, level), 1 / measure.per)


def _mean(once: Estimate, name: str, found: Mapping[str, int], level: float, unit: float) -> Bounds | None:
    total, squares = found.get(f"{name}.sum", 0), found.get(f"{name}.sumsq", 0)
    return _times(sequences.mean(once.n, total, squares, level, least=0.0), unit)


def _quantile(measure: DurationQuantile, found: Mapping[str, int], level: float) -> Bounds | None:
    sketch = Sketch.of(found, measure.prefix)
    if sketch.n == 0:
        return None
    low, high = sketch.between(sequences.quantile_ranks(sketch.n, measure.q, level))
    return Bounds(None if low is None else low / measure.per, None if high is None else high / measure.per)


def _times(found: Closed | None, unit: float) -> Bounds | None:
    return Bounds(found.low * unit, found.high * unit) if found else None
