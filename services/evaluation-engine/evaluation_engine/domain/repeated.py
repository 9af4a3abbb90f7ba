"""A number that is looked at again and again over a run: the estimate of one look, with the bounds of a sequence.

Shares, scores and quantiles have one. A plain mean of durations or measured values has none: they have no upper end,
and one long case more can move it anywhere, so that no count of them is enough. A share has one where what it counts is
part of what it is divided by. A quantile is watched as a share: its bounds are all values of which the sequence of the
share below them does not exclude the quantile (Howard, Ramdas 2022, doi:10.3150/21-BEJ1388), so that they clear a
threshold exactly when the share within the threshold clears the quantile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluation_engine.domain import sequences
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.estimated import Estimate
from evaluation_engine.domain.evidence import Evidence
from evaluation_engine.domain.intervals import Bounds, Closed
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Measure,
    MeasuredMean,
    NetScore,
    Score,
    Share,
)
from evaluation_engine.domain.parts import is_part
from evaluation_engine.domain.sketch import Sketch

SHARE = "beta-binomial sequence"
MEAN = "betting sequence"
QUANTILE = "beta-binomial sequence of the share below"
_MEANS = "a few large values can move a mean that has no upper end at any time"


def hindrance(definition: Definition) -> str | None:
    """Why a KPI can't be judged at every look, in words; None where it can."""
    if definition.window != "period":
        return f"it is counted over its own window ({definition.window}), which has no fixed start"
    if definition.anchor == "start":
        return "journeys that have just begun have no outcome yet"
    measure = definition.measure
    if isinstance(measure, DurationMean | MeasuredMean):
        return f"{_MEANS}: for a live verdict set a target on the median or the p90 instead"
    if isinstance(measure, Share) and not is_part(measure):
        return "what it counts is no part of what it is divided by"
    if not isinstance(measure, Share | NetScore | Score | DurationQuantile):
        return "its interval is made for one look"
    return None


def estimate_repeated(measure: Measure, evidence: Evidence, level: float) -> Estimate:
    """Value and interval at the level of the run; evidence is of all of the run up to now.

    Raises:
        ValueError: there is no sequence for this kind, see `hindrance`.
    """
    once, found = estimate(measure, evidence, level), evidence.measures
    match measure:
        case NetScore():
            method, bounds = MEAN, _net_score(measure, found, level)
        case Score():
            method, bounds = MEAN, _score(measure, found, level)
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


def _net_score(measure: NetScore, found: Mapping[str, int], level: float) -> Bounds | None:
    up, down, n = (part.of(found) for part in (measure.promoters, measure.detractors, measure.answers))
    return _mean({-1: down, 0: n - up - down, 1: up}, level, 100)


def _score(measure: Score, found: Mapping[str, int], level: float) -> Bounds | None:
    counts = dict.fromkeys((points for _, points in measure.points), 0)
    for name, points in measure.points:
        counts[points] += found.get(name, 0)
    return _mean(counts, level, 1 / measure.per)


def _mean(counts: Mapping[int, int], level: float, unit: float) -> Bounds | None:
    return _times(sequences.mean(counts, level), unit) if min(counts.values()) >= 0 else None


def _quantile(measure: DurationQuantile, found: Mapping[str, int], level: float) -> Bounds | None:
    sketch = Sketch.of(found, measure.prefix)
    if sketch.n == 0:
        return None
    low, high = sketch.between(sequences.quantile_ranks(sketch.n, measure.q, level))
    return Bounds(None if low is None else low / measure.per, None if high is None else high / measure.per)


def _times(found: Closed | None, unit: float) -> Bounds | None:
    return Bounds(found.low * unit, found.high * unit) if found else None
