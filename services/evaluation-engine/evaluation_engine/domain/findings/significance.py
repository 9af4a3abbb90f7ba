"""Tests behind findings: exact where counts are small, widened where a service's own past scatters more than chance.

All p-values are one-sided for "more than" unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import bdtrc, chdtrc, gammaln, stdtr

FALSE_DISCOVERIES = 0.05
"""Expected share of false ones among the findings of an evaluation that rest on a test."""

FEWEST_WEEKS = 6


class Count(NamedTuple):
    """`k` of `n`."""

    k: int
    n: int

    @property
    def share(self) -> float:
        """0 where there is nothing."""
        return self.k / self.n if self.n else 0.0


def total(counts: Iterable[Count]) -> Count:
    """The sum."""
    found = list(counts)
    return Count(sum(one.k for one in found), sum(one.n for one in found))


def fisher(more: Count, less: Count) -> float:
    """Fisher's exact test that the first share is larger (Fisher 1935, JRSS 98:39)."""
    drawn, successes, everyone = more.n, more.k + less.k, more.n + less.n
    hits = np.arange(more.k, min(drawn, successes) + 1)
    if not hits.size:
        return 1.0
    logs = _log_choose(successes, hits) + _log_choose(everyone - successes, drawn - hits)
    return float(min(1.0, np.exp(logs - _log_choose(everyone, drawn)).sum()))


def more_often(now: Count, past: Sequence[Count]) -> float:
    """P-value that a share is above that of past weeks: the larger one of Fisher's and a quasi-binomial test.

    The second one widens the variance by the dispersion of the weeks (Pearson's chi-square / degrees of freedom,
    never below 1; McCullagh, Nelder 1989, section 4.5) and uses Student's t. 1 with fewer than six weeks.
    """
    weeks = [one for one in past if one.n]
    before = total(weeks)
    if len(weeks) < FEWEST_WEEKS or not now.n or not before.n:
        return 1.0
    base = (now.k + before.k) / (now.n + before.n)
    variance = base * (1 - base) * (1 / now.n + 1 / before.n)
    if variance <= 0:
        return 1.0
    rate = before.share
    spread = [(one.k - one.n * rate) ** 2 / one.n for one in weeks]
    dispersion = _dispersion(spread, rate * (1 - rate))
    t = (now.share - rate) / sqrt(dispersion * variance)
    return max(fisher(now, before), float(stdtr(len(weeks) - 1, -t)))


def higher_rate(now: Count, past: Sequence[Count]) -> float:
    """P-value that events per exposure (`k` may exceed `n`) are above those of past weeks.

    The larger one of the exact conditional test (Przyborowski, Wilenski 1940, Biometrika 31:313) and a quasi-Poisson
    test with the dispersion of the weeks. 1 with fewer than six weeks.
    """
    weeks = [one for one in past if one.n]
    before = total(weeks)
    if len(weeks) < FEWEST_WEEKS or not now.n or not before.n or not now.k:
        return 1.0
    exact = float(bdtrc(now.k - 1, now.k + before.k, now.n / (now.n + before.n)))
    base = (now.k + before.k) / (now.n + before.n)
    rate = before.share
    dispersion = _dispersion([(one.k - one.n * rate) ** 2 / one.n for one in weeks], rate)
    t = (now.share - rate) / sqrt(dispersion * base * (1 / now.n + 1 / before.n))
    return max(exact, float(stdtr(len(weeks) - 1, -t)))


def homogeneity(counts: Sequence[Count]) -> float:
    """P-value that not all shares are the same: Pearson's chi-square, two-sided."""
    everyone = total(counts)
    share = everyone.share
    if len(counts) < 2 or not 0 < share < 1:
        return 1.0
    statistic = sum((one.k - one.n * share) ** 2 / (one.n * share * (1 - share)) for one in counts)
    return float(chdtrc(len(counts) - 1, statistic))


def fit(observed: Sequence[int], weights: Sequence[int]) -> float:
    """P-value that counts do not follow given weights: Pearson's chi-square; cells that expect below 5 are pooled."""
    n, whole = sum(observed), sum(weights)
    if not n or not whole:
        return 1.0
    cells = [(count, n * weight / whole) for count, weight in zip(observed, weights, strict=True)]
    large = [cell for cell in cells if cell[1] >= 5]
    small = [cell for cell in cells if cell[1] < 5]
    if small:
        pooled = (sum(count for count, _ in small), sum(expected for _, expected in small))
        if pooled[1] >= 5:
            large.append(pooled)
    if len(large) < 2:
        return 1.0
    statistic = sum((count - expected) ** 2 / expected for count, expected in large)
    return float(chdtrc(len(large) - 1, statistic))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: what is at most q is told with a false-discovery rate of q (1995, JRSS B 57:289)."""
    order = sorted(range(len(p_values)), key=lambda n: (-p_values[n], n))
    adjusted = [1.0] * len(p_values)
    least = 1.0
    for place, n in enumerate(order):
        rank = len(p_values) - place
        least = min(least, p_values[n] * len(p_values) / rank)
        adjusted[n] = least
    return adjusted


def _dispersion(squares: Sequence[float], variance: float) -> float:
    if variance <= 0 or len(squares) < 2:
        return 1.0
    return max(1.0, sum(squares) / variance / (len(squares) - 1))


def _log_choose(n: int, k: int | np.ndarray) -> np.ndarray:
    found: np.ndarray = gammaln(n + 1) - gammaln(np.asarray(k) + 1) - gammaln(n - np.asarray(k) + 1)
    return found
