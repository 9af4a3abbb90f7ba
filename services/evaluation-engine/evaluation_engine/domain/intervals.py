"""How sure a number is. Every interval lies inside the range of its quantity and has width at its ends.

All take exact counts or sums; `level` is the nominal coverage, 0.95 unless said otherwise. An
interval of nothing (n = 0) is None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import acos, copysign, cos, inf, pi, sqrt
from statistics import NormalDist
from typing import NamedTuple

from scipy.optimize import brentq
from scipy.special import bdtr, stdtrit

LEVEL = 0.95


class Bounds(NamedTuple):
    """An interval; None is an end that the data do not bound."""

    low: float | None
    high: float | None


class Closed(NamedTuple):
    """An interval with both ends."""

    low: float
    high: float


@lru_cache(maxsize=64)
def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


@lru_cache(maxsize=4096)
def student_quantile(level: float, degrees: int) -> float:
    """Two-sided Student quantile."""
    return float(stdtrit(degrees, (1 + level) / 2))


def wilson(count: float, n: float, level: float = LEVEL) -> Closed | None:
    """Score interval of a proportion, in 0 to 1 (Wilson 1927, JASA 22:209)."""
    if n == 0:
        return None
    return _score_interval(count / n, n, level)


def _score_interval(share: float, n: float, level: float) -> Closed:
    z = normal_quantile(level)
    z2 = z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if share <= 0 else max(0.0, middle - half)
    high = 1.0 if share >= 1 else min(1.0, middle + half)
    return Closed(low, high)


def newcombe(count: float, n: float, other_count: float, other_n: float, level: float = LEVEL) -> Closed | None:
    """Hybrid score interval of `count/n - other_count/other_n` (Newcombe 1998, Stat. Med. 17:873, method 10)."""
    one, other = wilson(count, n, level), wilson(other_count, other_n, level)
    if one is None or other is None:
        return None
    p, q = count / n, other_count / other_n
    low = p - q - sqrt((p - one.low) ** 2 + (other.high - q) ** 2)
    high = p - q + sqrt((one.high - p) ** 2 + (q - other.low) ** 2)
    return Closed(max(-1.0, low), min(1.0, high))


def miettinen_nurminen(count: int, n: int, other_count: int, other_n: int, level: float = LEVEL) -> Closed | None:
    """Score interval of `count/n - other_count/other_n`: every difference that the score test doesn't reject.

    For non-inferiority: a difference is no worse than `-margin` when `low > -margin`. Miettinen, Nurminen 1985,
    doi:10.1002/sim.4780040211.
    """
    if n == 0 or other_n == 0:
        return None
    z = normal_quantile(level)
    found = count / n - other_count / other_n

    def beyond(difference: float) -> float:
        return min(abs(difference_score(count, n, other_count, other_n, difference)), 1e9) - z

    almost = 1 - 1e-12
    low = brentq(beyond, -almost, found) if found > -almost and beyond(-almost) > 0 else -1.0
    high = brentq(beyond, found, almost) if found < almost and beyond(almost) > 0 else 1.0
    return Closed(float(low), float(high))


def difference_score(count: int, n: int, other_count: int, other_n: int, difference: float) -> float:
    """Standard score of an observed difference of proportions where the true one is `difference`.

    The variance is that of the likeliest proportions with this difference, times N / (N - 1): closed form of the cubic
    of Miettinen, Nurminen 1985, appendix I.
    """
    p, q, size = count / n, other_count / other_n, n + other_n
    likely = _likeliest(count, n, other_count, other_n, difference)
    variance = (likely[0] * (1 - likely[0]) / n + likely[1] * (1 - likely[1]) / other_n) * size / (size - 1)
    gap = p - q - difference
    return gap / sqrt(variance) if variance > 0 else (copysign(inf, gap) if gap else 0.0)


def _likeliest(count: int, n: int, other_count: int, other_n: int, difference: float) -> tuple[float, float]:
    """The proportions of largest likelihood among those that differ by `difference`."""
    size, d = n + other_n, difference
    b = (n + 2 * other_n) * d - size - count - other_count
    c = (other_n * d - size - 2 * other_count) * d + count + other_count
    e = other_count * d * (1 - d)
    half = b**3 / (27 * size**3) - b * c / (6 * size * size) + e / (2 * size)
    root = copysign(sqrt(max(0.0, b * b / (9 * size * size) - c / (3 * size))), half)
    angle = (pi + acos(max(-1.0, min(1.0, half / root**3 if root else 0.0)))) / 3
    other = 2 * root * cos(angle) - b / (3 * size)
    other = max(0.0, -d, min(1.0, 1 - d, other))
    return min(1.0, max(0.0, other + d)), other


class Stratum(NamedTuple):
    """Answers of one group, and its part of those whom the number is about."""

    yes: int
    n: int
    weight: float


class Weighted(NamedTuple):
    """A share over a known mix, the answers that it is worth, and its interval."""

    share: float
    effective_n: float
    bounds: Closed


def post_stratified(strata: Sequence[Stratum], level: float = LEVEL) -> Weighted | None:
    """Proportion with each group at its known weight; None where a group with a weight has no answer.

    Score interval at the effective n, that is n over the design effect: the larger one of that of the weights (Kish
    1965, "Survey Sampling", section 11.7) and that of the variance within groups (Holt, Smith 1979,
    doi:10.2307/2344652), each share there drawn to the middle by one yes and one no.
    """
    whole = sum(one.weight for one in strata)
    if whole <= 0 or any(one.weight > 0 and one.n == 0 for one in strata):
        return None
    used = [(one.yes, one.n, one.weight / whole) for one in strata if one.weight > 0]
    share = sum(weight * yes / n for yes, n, weight in used)
    drawn = [((yes + 1) / (n + 2), n, weight) for yes, n, weight in used]
    middle = sum(weight * p for p, _, weight in drawn)
    by_weights = 1 / sum(weight * weight / n for _, n, weight in drawn)
    by_variance = middle * (1 - middle) / sum(weight * weight * p * (1 - p) / n for p, n, weight in drawn)
    effective = min(by_weights, by_variance)
    return Weighted(share, effective, _score_interval(share, effective, level))


def net_promoter(promoters: int, detractors: int, n: int, level: float = LEVEL) -> Closed | None:
    """Adjusted Wald interval of `promoters/n - detractors/n`, in -1 to 1 (Rocks 2016, Am. Stat. 70:365).

    Three answers are added, three quarters of one to each of promoters and detractors.
    """
    if n == 0:
        return None
    size = n + 3
    p, d = (promoters + 0.75) / size, (detractors + 0.75) / size
    half = normal_quantile(level) * sqrt((p + d - (p - d) ** 2) / size)
    return Closed(max(-1.0, p - d - half), min(1.0, p - d + half))


def bounded_mean(n: int, total: int, squares: int, scale: tuple[float, float], level: float = LEVEL) -> Closed | None:
    """Interval of the mean of a score on a scale: Student's t after adding half an answer at each end.

    Plain t covers 0.60 instead of 0.95 where 97 % give the best of five and n = 30.
    """
    if n == 0:
        return None
    low, high = scale
    size = n + 1
    mean = (total + (low + high) / 2) / size
    spread = max(0.0, (squares + (low * low + high * high) / 2) / size - mean * mean)
    half = student_quantile(level, n) * sqrt(spread / n)
    return Closed(max(low, mean - half), min(high, mean + half))


def mean(n: int, total: int, squares: int, level: float = LEVEL, *, least: float | None = None) -> Closed | None:
    """Student's t interval of a mean from exact sums; None below two values."""
    if n < 2:
        return None
    centre = total / n
    spread = (n * squares - total * total) / (n * (n - 1))
    half = student_quantile(level, n - 1) * sqrt(max(0.0, spread) / n)
    low = centre - half
    return Closed(low if least is None else max(least, low), centre + half)


class Pairs(NamedTuple):
    """Sums over units that each have an x and a y, for the ratio of their totals."""

    n: int
    x: int
    y: int
    xx: int
    yy: int
    xy: int


def ratio(pairs: Pairs, level: float = LEVEL) -> Closed | None:
    """Interval of `sum x / sum y` over units by the delta method with Student's t (Cochran 1977, section 6.4)."""
    if pairs.n < 2 or pairs.y <= 0:
        return None
    n, x, y = pairs.n, pairs.x, pairs.y
    # variance of x - r*y over the units, with r = x/y, kept in exact integers until the end
    exact = pairs.xx * y * y - 2 * x * y * pairs.xy + x * x * pairs.yy
    deviation = max(0.0, exact / (y * y) / (n - 1))
    half = student_quantile(level, n - 1) * sqrt(n * deviation) / y
    return Closed(x / y - half, x / y + half)


class Ranks(NamedTuple):
    """Order statistics (1 is the smallest) that bound a quantile; None where the sample is too small."""

    low: int | None
    high: int | None


@lru_cache(maxsize=4096)
def quantile_ranks(n: int, q: float, level: float = LEVEL) -> Ranks:
    """Distribution-free ranks of the q-quantile from the binomial (David, Nagaraja 2003, section 7.1)."""
    tail = (1 - level) / 2
    low = _first(n, lambda k: float(bdtr(k, n, q)) > tail)
    high = _first(n, lambda k: float(bdtr(k, n, q)) >= 1 - tail) + 1
    return Ranks(low if low >= 1 else None, high if high <= n else None)


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """Smallest k in 0..n for which a monotone condition holds."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
