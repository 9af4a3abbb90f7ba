"""Time to fulfilment with journeys still open: nobody is dropped for not being finished.

Whoever has not ended is censored at as-of, or at what an import observed until. Ends by another cause than fulfilment
compete with it. The mean is that of the single rows where all times are known, and lies between two bounds where they
are not; quantiles are told by their bin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, inf, log, sqrt
from typing import NamedTuple

from evaluation_engine.domain.cohort import Cohort
from evaluation_engine.domain.intervals import LEVEL, Bounds, Closed, normal_quantile
from evaluation_engine.domain.journey import FULFILLED
from evaluation_engine.domain.lives import Lives
from evaluation_engine.domain.sketch import bounds_of, middle_of


class Row(NamedTuple):
    """One time of the table: at risk just before, ended by fulfilment, ended by anything."""

    time_ms: float
    bin: int
    at_risk: int
    fulfilled: int
    ended: int


class Step(NamedTuple):
    """A curve after one of its steps, with Greenwood's sum or the variance that belongs to it."""

    row: Row
    value: float
    spread: float


@dataclass(frozen=True)
class LifeTable:
    """Counts at every time at which something ended, earliest first."""

    rows: tuple[Row, ...]
    started: int
    causes: Mapping[str, int]
    followed_ms: float
    lives: Lives = field(repr=False)

    @property
    def fulfilled(self) -> int:
        """Journeys seen to be fulfilled."""
        return self.causes.get(FULFILLED, 0)

    @property
    def open(self) -> int:
        """Journeys that have not ended as of then."""
        return self.started - sum(self.causes.values())

    @property
    def competing(self) -> int:
        """Journeys that ended in another way."""
        return self.started - self.open - self.fulfilled

    @cached_property
    def survival(self) -> tuple[Step, ...]:
        """Kaplan-Meier of fulfilment, other ends censored; spread is Greenwood's sum (Kaplan, Meier 1958)."""
        curve: list[Step] = []
        value, spread = 1.0, 0.0
        for row in self.rows:
            if row.fulfilled:
                value *= 1 - row.fulfilled / row.at_risk
                left = row.at_risk - row.fulfilled
                spread += row.fulfilled / (row.at_risk * left) if left else inf
                curve.append(Step(row, value, spread))
        return tuple(curve)

    @cached_property
    def incidence(self) -> tuple[Step, ...]:
        """Aalen-Johansen share fulfilled by each time; spread is its variance (Marubini, Valsecchi 1995, 10.12)."""
        curve: list[Step] = []
        before, share = 1.0, 0.0
        # Sums that make the variance at every time linear to compute: with F_i the share after i,
        # var(F) = sum (F-F_i)^2 g_i + sum a_i - 2 sum (F-F_i) b_i
        g = gf = gff = a = b = bf = 0.0
        for row in self.rows:
            n, d, k = row.at_risk, row.ended, row.fulfilled
            share += before * k / n
            gi = d / (n * (n - d)) if n > d else 0.0
            bi = before * k / (n * n)
            g, gf, gff = g + gi, gf + gi * share, gff + gi * share * share
            a += before * before * k * (n - k) / n**3
            b, bf = b + bi, bf + bi * share
            variance = share * share * g - 2 * share * gf + gff + a - 2 * (share * b - bf)
            before *= 1 - d / n
            if k:
                curve.append(Step(row, share, max(0.0, variance)))
        return tuple(curve)


def life_table(cohorts: Iterable[Cohort], as_of_ms: int) -> LifeTable:
    """One table of all cohorts, as of an instant: what ended later was still open then."""
    return _table(Lives.of(cohorts, as_of_ms))


def _table(lives: Lives) -> LifeTable:
    leaving = sorted((one.time_ms, one.n) for one in lives.open)
    causes: Counter[str] = Counter()
    for end in lives.ends:
        causes[end.cause] += end.n
    started = sum(causes.values()) + sum(n for _, n in leaving)
    rows: list[Row] = []
    at_risk, gone = started, 0
    ends = sorted(lives.ends)
    place, many = 0, len(ends)
    while place < many:
        time, bin_ = ends[place][:2]
        while gone < len(leaving) and leaving[gone][0] < time:
            at_risk -= leaving[gone][1]
            gone += 1
        fulfilled = ended = 0
        while place < many and ends[place][0] == time:
            _, _, cause, n, _ = ends[place]
            ended += n
            fulfilled += n if cause == FULFILLED else 0
            place += 1
        rows.append(Row(time, bin_, at_risk, fulfilled, ended))
        at_risk -= ended
    followed = max(leaving[-1][0] if leaving else 0.0, rows[-1].time_ms if rows else 0.0)
    return LifeTable(tuple(rows), started, dict(causes), followed, lives)


class Estimate(NamedTuple):
    """A time in ms with its bounds; value None: the curve does not get there."""

    value: float | None
    bounds: Bounds
    method: str


class RestrictedMean(NamedTuple):
    """Mean time up to a horizon, in ms; `within` is where that of the single rows lies for certain."""

    value: float
    bounds: Closed
    horizon_ms: float
    within: Closed


def restricted_mean(table: LifeTable, horizon_ms: float, level: float = LEVEL) -> RestrictedMean | None:
    """Area under Kaplan-Meier up to the horizon, or to where follow-up ends.

    Irwin 1949 (J. Hyg. 47:188); variance by Greenwood: Klein, Moeschberger 2003, section 4.5.
    """
    horizon = min(horizon_ms, table.followed_ms)
    if not table.started or horizon <= 0:
        return None
    area, spread = _area(table, horizon)
    half = normal_quantile(level) * sqrt(spread)
    bounds = Closed(max(0.0, area - half), min(horizon, area + half))
    within = Closed(area, area)
    if not table.lives.known:
        least, most = (_area(_table(table.lives.at_worst(horizon, late=late)), horizon)[0] for late in (False, True))
        within = Closed(min(least, area), max(most, area))
    return RestrictedMean(area, bounds, horizon, within)


def _area(table: LifeTable, horizon: float) -> tuple[float, float]:
    """Area under the curve, and its variance."""
    area = spread = 0.0
    until = horizon
    for step in reversed([step for step in table.survival if step.row.time_ms < horizon]):
        area += step.value * (until - step.row.time_ms)
        left = step.row.at_risk - step.row.fulfilled
        if left:
            spread += area * area * step.row.fulfilled / (step.row.at_risk * left)
        until = step.row.time_ms
    return area + until, spread


def quantile(table: LifeTable, q: float, level: float = LEVEL) -> Estimate:
    """Time by which a share q is fulfilled: Kaplan-Meier, or Aalen-Johansen where other ends compete."""
    if table.competing:
        steps = [(s.row.bin, s.value, *_log_log_band(s.value, s.spread, level)) for s in table.incidence]
        method = "aalen-johansen, log-log"
    else:
        steps = [(s.row.bin, 1 - s.value, *_greenwood_band(s.value, s.spread, level)) for s in table.survival]
        method = "kaplan-meier, greenwood log"
    near = q - 1e-12
    value = next((b for b, share, _, _ in steps if share >= near), None)
    low = next((b for b, _, _, upper in steps if upper >= near), None)
    high = next((b for b, _, lower, _ in steps if lower >= near), None)
    followed = table.followed_ms
    bounds = Bounds(
        bounds_of(low)[0] if low is not None else followed, bounds_of(high)[1] if high is not None else None
    )
    return Estimate(middle_of(value) if value is not None else None, bounds, method)


def _greenwood_band(survival: float, spread: float, level: float) -> tuple[float, float]:
    """Band of the share fulfilled from the log-transformed survival."""
    if survival <= 0:
        return 1 - survival, 1 - survival
    factor = exp(normal_quantile(level) * sqrt(spread))
    return 1 - min(1.0, survival * factor), 1 - survival / factor


def _log_log_band(share: float, variance: float, level: float) -> tuple[float, float]:
    """Band of a cumulative incidence on the log-log scale (Kalbfleisch, Prentice 2002, 8.2)."""
    if not 0 < share < 1:
        return share, share
    power = exp(normal_quantile(level) * sqrt(variance) / (share * -log(share)))
    return share**power, share ** (1 / power)
