"""Time to fulfilment with journeys still open: nobody is dropped for not being finished.

Whoever has not ended is censored at as-of, or at what an import observed until. Ends by another cause than fulfilment
compete with it. The mean is that of the single rows where all times are known, and lies between two bounds where they
are not; quantiles are told by their bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np

from evaluation_engine.domain.cohort import Cohort, Flags, Ints
from evaluation_engine.domain.intervals import LEVEL, Bounds, Closed, normal_quantile
from evaluation_engine.domain.journey import FULFILLED
from evaluation_engine.domain.lives import Floats, Lives
from evaluation_engine.domain.sketch import bounds_of, middle_of


class Rows(NamedTuple):
    """Times of the table, earliest first: at risk just before, ended by fulfilment, ended by anything."""

    time_ms: Floats
    bin: Ints
    at_risk: Ints
    fulfilled: Ints
    ended: Ints

    def where(self, chosen: Flags) -> Rows:
        """Some of them."""
        ended = self.ended[chosen]
        return Rows(self.time_ms[chosen], self.bin[chosen], self.at_risk[chosen], self.fulfilled[chosen], ended)


class Curve(NamedTuple):
    """A curve after each of its steps, with Greenwood's sum or the variance that belongs to it."""

    rows: Rows
    value: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Counts at every time at which something ended, earliest first."""

    rows: Rows
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
    def survival(self) -> Curve:
        """Kaplan-Meier of fulfilment, other ends censored; spread is Greenwood's sum (Kaplan, Meier 1958)."""
        rows = self.rows.where(self.rows.fulfilled > 0)
        left = rows.at_risk - rows.fulfilled
        value = np.cumprod(1 - rows.fulfilled / rows.at_risk).astype(np.float64)
        return Curve(rows, value, np.cumsum(_ratio(rows.fulfilled, rows.at_risk * left, np.inf)))

    @cached_property
    def incidence(self) -> Curve:
        """Aalen-Johansen share fulfilled by each time; spread is its variance (Marubini, Valsecchi 1995, 10.12)."""
        _, _, n, k, d = self.rows
        before = np.cumprod(np.concatenate(((1.0,), 1 - d / n)))[:-1]
        share = np.cumsum(before * k / n)
        # Sums that make the variance at every time linear to compute: with F_i the share after i,
        # var(F) = sum (F-F_i)^2 g_i + sum a_i - 2 sum (F-F_i) b_i
        g = _ratio(d, n * (n - d), 0.0)
        a = before * before * k * (n - k) / n.astype(np.float64) ** 3
        b = before * k / (n * n)
        sums = (np.cumsum(part) for part in (g, g * share, g * share * share, a, b, b * share))
        g, gf, gff, a, b, bf = sums
        variance = share * share * g - 2 * share * gf + gff + a - 2 * (share * b - bf)
        steps = k > 0
        return Curve(self.rows.where(steps), share[steps], np.maximum(variance, 0.0)[steps])


def _ratio(above: Ints, below: Ints, otherwise: float) -> Floats:
    """Quotients, and what stands for those by nothing."""
    found = np.full(above.shape, otherwise)
    np.divide(above, below, out=found, where=below > 0)
    return found


def life_table(cohorts: Iterable[Cohort], as_of_ms: int) -> LifeTable:
    """One table of all cohorts, as of an instant: what ended later was still open then."""
    return _table(Lives.of(cohorts, as_of_ms))


def _table(lives: Lives) -> LifeTable:
    ends, leaving = lives.ends.sorted(), lives.open
    causes = ends.causes
    started = sum(causes.values()) + int(leaving.n.sum())
    first = np.flatnonzero(np.diff(ends.time_ms, prepend=-np.inf))
    time = ends.time_ms[first]
    ended, fulfilled = (
        np.add.reduceat(n, first) if n.size else n for n in (ends.n, np.where(ends.fulfilled, ends.n, 0))
    )
    order = np.argsort(leaving.time_ms)
    gone = np.concatenate(((0,), np.cumsum(leaving.n[order])))
    at_risk = started - gone[np.searchsorted(leaving.time_ms[order], time)] - (np.cumsum(ended) - ended)
    followed = max(leaving.time_ms.max(initial=0.0), time[-1] if time.size else 0.0)
    return LifeTable(Rows(time, ends.bin[first], at_risk, fulfilled, ended), started, causes, float(followed), lives)


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
    within = table.survival.rows.time_ms < horizon
    if not within.any():
        return horizon, 0.0
    rows, value = table.survival.rows.where(within), table.survival.value[within]
    pieces = value * np.diff(rows.time_ms, append=horizon)
    after = np.cumsum(pieces[::-1])[::-1]
    terms = _ratio(rows.fulfilled, rows.at_risk * (rows.at_risk - rows.fulfilled), 0.0)
    return float(after[0] + rows.time_ms[0]), float((after * after * terms).sum())


def quantile(table: LifeTable, q: float, level: float = LEVEL) -> Estimate:
    """Time by which a share q is fulfilled: Kaplan-Meier, or Aalen-Johansen where other ends compete."""
    if table.competing:
        rows, share, variance = table.incidence
        lower, upper = _log_log_band(share, variance, level)
        method = "aalen-johansen, log-log"
    else:
        rows, survival, spread = table.survival
        share = 1 - survival
        lower, upper = _greenwood_band(survival, spread, level)
        method = "kaplan-meier, greenwood log"
    value, low, high = (_first(rows.bin, reached >= q - 1e-12) for reached in (share, upper, lower))
    bounds = Bounds(
        bounds_of(low)[0] if low is not None else table.followed_ms, bounds_of(high)[1] if high is not None else None
    )
    return Estimate(middle_of(value) if value is not None else None, bounds, method)


def _first(bins: Ints, reached: Flags) -> int | None:
    """The bin of the first step that gets there."""
    return int(bins[np.argmax(reached)]) if reached.any() else None


def _greenwood_band(survival: Floats, spread: Floats, level: float) -> tuple[Floats, Floats]:
    """Band of the share fulfilled from the log-transformed survival."""
    lower, upper = 1 - survival, 1 - survival
    some = survival > 0
    factor = np.exp(normal_quantile(level) * np.sqrt(spread[some]))
    lower[some] = 1 - np.minimum(1.0, survival[some] * factor)
    upper[some] = 1 - survival[some] / factor
    return lower, upper


def _log_log_band(share: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Band of a cumulative incidence on the log-log scale (Kalbfleisch, Prentice 2002, 8.2)."""
    lower, upper = share.copy(), share.copy()
    some = (share > 0) & (share < 1)
    power = np.exp(normal_quantile(level) * np.sqrt(variance[some]) / (share[some] * -np.log(share[some])))
    lower[some], upper[some] = share[some] ** power, share[some] ** (1 / power)
    return lower, upper
