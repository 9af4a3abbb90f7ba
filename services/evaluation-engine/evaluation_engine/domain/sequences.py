"""How sure a number is that is looked at again and again: confidence sequences from a fixed start.

With the stated probability the truth lies in *every* interval of a run, so that a verdict may be given at any look. A
repeated fixed-sample interval raises a false alarm in most years (`tests/load/looks.py` shows both).

What the caller needs: counts of a run, that is of everything from its fixed start (`run_of`) up to now, and nothing
from before; never those of a rolling window, which is a new sample at every look. Each run spends its part of the
year's error. Counts may be corrected (late, erased): an interval is a function of the counts alone, and never of the
looks before. The truth is taken to hold still within a run; where it moves, the next run starts afresh.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import e, inf, log, sqrt
from typing import Literal, NamedTuple

from scipy.optimize import brentq
from scipy.special import betaln, lambertw, xlog1py, xlogy

from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.intervals import LEVEL, Closed, Ranks

FIRST_LOOK = 100
"""The asymptotic sequence says nothing before: it holds in the long run, and skewed scores need a start."""

BEST_AT = 500
"""Number of answers at which the asymptotic sequence is narrowest."""

Restarts = Literal[1, 2, 4, 12]
"""Runs a year: whole years, halves, quarters or months."""


class Run(NamedTuple):
    """The stretch of time that a live verdict is about, and the level of its sequence."""

    period: Period
    level: float


def level_of_run(level: float = LEVEL, restarts: int = 4) -> float:
    """Level of each of a year's runs so that all of them hold together at `level` (Bonferroni): 0.9875 of four."""
    if restarts < 1:
        raise ValueError(f"a year has at least one run, not {restarts}")
    return 1 - (1 - level) / restarts


def run_of(day: date, zone: str, *, restarts: Restarts = 4, level: float = LEVEL) -> Run:
    """The run that a local day lies in: from its first day to the first day of the next."""
    months = 12 // restarts
    first = (day.month - 1) // months * months + 1
    following = first + months
    end = date(day.year + following // 13, (following - 1) % 12 + 1, 1)
    return Run(Period(date(day.year, first, 1), end, zone), level_of_run(level, restarts))


def log_evidence(count: float, n: float, share: float) -> float:
    """How much the counts speak against a share: log of a wealth that passes 1/alpha with probability alpha at most.

    Binomial likelihood mixed over all shares alike, by that of `share`; a martingale while `share` is true (Ville), and
    below one where each answer counts as any part of one (its likelihood is convex in that part). Robbins 1970,
    doi:10.1214/aoms/1177696786; Howard et al. 2021, doi:10.1214/20-AOS1991.
    """
    against = float(xlogy(count, share) + xlog1py(n - count, -share))
    return inf if against == -inf else float(betaln(1 + count, 1 + n - count)) - against


def proportion(count: float, n: float, level: float = LEVEL) -> Closed | None:
    """Beta-binomial confidence sequence of a proportion, in 0 to 1: every share that the counts don't speak against.

    Exact at every n from the first on; None at n = 0.
    """
    if n == 0:
        return None
    limit = -log(1 - level)

    def beyond(share: float) -> float:
        return min(log_evidence(count, n, share), 1e300) - limit

    middle = count / n
    return Closed(
        0.0 if count == 0 else _crossing(beyond, 0.0, middle), 1.0 if count == n else _crossing(beyond, middle, 1.0)
    )


def _crossing(beyond: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(beyond, low, high, xtol=1e-12))


def quantile_ranks(n: int, q: float, level: float = LEVEL) -> Ranks:
    """Order statistics between which the q-quantile lies at every look (1 is the smallest).

    A value stays as long as the sequence of the share of cases up to it doesn't exclude q. Howard, Ramdas 2022,
    doi:10.3150/21-BEJ1388, for one quantile.
    """
    limit = -log(1 - level)
    middle = int(n * q)
    low = bisect_left(range(middle + 1), True, key=lambda k: log_evidence(k, n, q) < limit)
    above = range(middle + 1, n + 1)
    high = middle + 1 + bisect_left(above, True, key=lambda k: log_evidence(k, n, q) >= limit)
    return Ranks(low if low >= 1 else None, high if high <= n else None)


def mean(
    n: int, total: int, squares: int, level: float = LEVEL, *, best_at: int = BEST_AT, least: float | None = None
) -> Closed | None:
    """Asymptotic confidence sequence of a mean from exact sums; None before `FIRST_LOOK`.

    Waudby-Smith et al. 2024, "Time-uniform central limit theory and asymptotic confidence sequences",
    doi:10.1214/24-AOS2408, theorem 2.2.
    """
    if n < FIRST_LOOK:
        return None
    centre = total / n
    half = sqrt(max(0.0, (n * squares - total * total) / (n * n))) * unit_margin(n, level, best_at)
    low = centre - half
    return Closed(low if least is None else max(least, low), centre + half)


def bounded_mean(
    n: int, total: int, squares: int, scale: tuple[float, float], level: float = LEVEL, *, best_at: int = BEST_AT
) -> Closed | None:
    """The same for a score on a scale (a net score is one of -1 to 1), with half an answer added at each end.

    So it has width where all answered alike, and stays on the scale.
    """
    if n < FIRST_LOOK:
        return None
    low, high = scale
    centre = (total + (low + high) / 2) / (n + 1)
    spread = max(0.0, (squares + (low * low + high * high) / 2) / (n + 1) - centre * centre)
    half = sqrt(spread) * unit_margin(n, level, best_at)
    return Closed(max(low, centre - half), min(high, centre + half))


@lru_cache(maxsize=4096)
def unit_margin(n: int, level: float = LEVEL, best_at: int = BEST_AT) -> float:
    """Half the width at n answers for a standard deviation of 1."""
    alpha = 1 - level
    spent = n * _tuning(alpha, best_at)
    return sqrt(2 * (spent + 1) / (n * spent) * log(sqrt(spent + 1) / alpha))


@lru_cache(maxsize=256)
def _tuning(alpha: float, best_at: int) -> float:
    """The square of rho at which the margin is narrowest at `best_at` (the same source, appendix B)."""
    exact = complex(lambertw(-alpha * alpha / e, -1))
    return (-exact.real - 1) / best_at
