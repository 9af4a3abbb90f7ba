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
from collections.abc import Callable, Mapping
from datetime import date
from math import inf, log, pi
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaln, logsumexp, xlog1py, xlogy

from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.intervals import LEVEL, Closed, Ranks

Floats = NDArray[np.float64]

BETS = 512
"""So many that at 100,000 answers the bet nearest to the best one is less than a third off in wealth."""

_ON_HIGH = np.sin((np.arange(BETS) + 0.5) * (pi / (2 * BETS))) ** 2
"""Parts that are bet on high: as dense as the arcsine law."""

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


def mean(counts: Mapping[int, int], level: float = LEVEL) -> Closed | None:
    """Confidence sequence of the mean of answers on a scale: every mean that the counts don't speak against.

    Exact at every n from the first on, however skewed the answers are; `counts` says how many gave each value, and its
    least and greatest value are the ends of the scale. None where there is no answer.
    """
    n, (least, most) = sum(counts.values()), (min(counts), max(counts))
    if n == 0:
        return None
    limit = -log(1 - level)
    parts = [((value - least) / (most - least), count) for value, count in counts.items() if count]
    places, weights = np.array([part for part, _ in parts]), np.array([count for _, count in parts], np.float64)

    middle = float(places @ weights) / n

    def beyond(place: float) -> float:
        return -limit if place == middle else min(log_wealth(places, weights, place), 1e300) - limit

    low = 0.0 if middle <= 0 else _crossing(beyond, 0.0, middle)
    high = 1.0 if middle >= 1 else _crossing(beyond, middle, 1.0)
    return Closed(least + low * (most - least), least + high * (most - least))


def log_wealth(places: Floats, weights: Floats, mean: float) -> float:
    """How much answers in 0 to 1 speak against a mean: the log of a wealth, as `log_evidence` of yes and no is.

    Who bets a part of it on an answer to be high, x / mean, and the rest on low, (1 - x) / (1 - mean), keeps what there
    is on average while the mean is true. The wealth is that of `BETS` such parts at once, none of which looks at the
    answers. Its log is convex in the mean and at most 0 at the observed one, so that an interval remains. Waudby-Smith,
    Ramdas 2024, doi:10.1093/jrsssb/qkad009; Orabona, Jun 2024, doi:10.1109/TIT.2023.3330187.
    """
    return float(logsumexp(weights @ log_gains(places, mean))) - log(BETS) if 0 < mean < 1 else inf


def log_gains(places: Floats, mean: float) -> Floats:
    """What each answer makes of each bet, as a log: one row for an answer."""
    gains = np.outer(places / mean, _ON_HIGH) + np.outer((1 - places) / (1 - mean), 1 - _ON_HIGH)
    return np.asarray(np.log(gains), np.float64)
