"""How often intervals hold the truth: by enumeration where outcomes can be counted, else by seeded simulation.

Each method states its mean coverage over a grid, within one point of 95 %, and the least of any point of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evaluation_engine.domain.intervals import (
    Closed,
    Pairs,
    Stratum,
    bounded_mean,
    difference_score,
    miettinen_nurminen,
    net_promoter,
    newcombe,
    post_stratified,
    ratio,
    wilson,
)

pytestmark = pytest.mark.requirement("A2")
quick = settings(deadline=None, max_examples=100, derandomize=True)
SHARES = np.round(np.arange(0.02, 0.99, 0.02), 2)
Difference = Callable[[int, int, int, int], Closed | None]


def within(mean: float) -> bool:
    """Mean coverage within one point of nominal."""
    return abs(mean - 0.95) <= 0.01


def holds(found: Closed | None, truth: float) -> bool:
    assert found is not None
    return found.low <= truth <= found.high


@pytest.mark.parametrize(("n", "least"), [(10, 0.83), (30, 0.86), (100, 0.87), (400, 0.92)])
def test_wilson_covers_by_enumeration(n: int, least: float) -> None:
    bounds = [wilson(count, n) for count in range(n + 1)]
    chances = stats.binom.pmf(np.arange(n + 1)[:, None], n, SHARES)
    inside = np.array([[holds(found, p) for p in SHARES] for found in bounds])
    covered = (chances * inside).sum(0)
    assert within(covered.mean())
    assert covered.min() >= least


@pytest.mark.parametrize(("n", "least"), [(20, 0.92), (40, 0.93)])
def test_the_net_promoter_interval_covers_by_enumeration(n: int, least: float) -> None:
    outcomes = [(up, down) for up in range(n + 1) for down in range(n + 1 - up)]
    bounds = [net_promoter(up, down, n) for up, down in outcomes]
    grid = [(p, d) for p in np.arange(0.1, 0.95, 0.1) for d in np.arange(0.05, 0.95, 0.1) if p + d < 0.99]
    ways = np.array([comb(n, up) * comb(n - up, down) for up, down in outcomes], float)
    ups, downs = np.array(outcomes).T
    covered = []
    for p, d in grid:
        chances = ways * p**ups * d**downs * (1 - p - d) ** (n - ups - downs)
        covered.append(float(chances @ [holds(found, p - d) for found in bounds]))
    assert within(float(np.mean(covered)))
    assert min(covered) >= least


@lru_cache(maxsize=8)
def differences(method: Difference, n: int, other_n: int) -> tuple[tuple[Closed | None, ...], ...]:
    return tuple(tuple(method(count, n, other, other_n) for other in range(other_n + 1)) for count in range(n + 1))


@pytest.mark.parametrize(
    ("method", "n", "other_n", "least"),
    [(newcombe, 15, 20, 0.90), (newcombe, 30, 30, 0.91), (miettinen_nurminen, 12, 15, 0.91)],
)
def test_differences_of_proportions_cover_by_enumeration(
    method: Difference, n: int, other_n: int, least: float
) -> None:
    bounds = differences(method, n, other_n)
    shares = np.arange(0.05, 0.96, 0.1)
    covered = []
    for p in shares:
        for q in shares:
            chances = np.outer(
                stats.binom.pmf(np.arange(n + 1), n, p), stats.binom.pmf(np.arange(other_n + 1), other_n, q)
            )
            covered.append(float((chances * [[holds(one, p - q) for one in row] for row in bounds]).sum()))
    assert within(float(np.mean(covered)))
    assert min(covered) >= least


RATINGS = {
    "even": [20, 20, 20, 20, 20],
    "good": [4, 4, 8, 29, 55],
    "split": [45, 3, 4, 3, 45],
    "nearly all the best": [1, 0, 0, 2, 97],
    "bad": [60, 25, 10, 3, 2],
}


def test_the_mean_of_a_bounded_score_covers_by_simulation() -> None:
    """From the least number of answers that is shown on; there it is wide where nearly all answers are alike."""
    random, covered = np.random.default_rng(7), []
    for weights in RATINGS.values():
        chances = np.array(weights) / sum(weights)
        truth = float(chances @ np.arange(1, 6))
        for n in (30, 100, 400, 1000):
            counts = random.multinomial(n, chances, 1500)
            totals, squares = counts @ np.arange(1, 6), counts @ np.arange(1, 6) ** 2
            hits = [holds(bounded_mean(n, int(t), int(s), (1, 5)), truth) for t, s in zip(totals, squares, strict=True)]
            covered.append(float(np.mean(hits)))
    assert within(float(np.mean(covered)))
    assert min(covered) >= 0.92


def test_a_ratio_of_totals_covers_by_simulation() -> None:
    """Costs of 24 months over outcomes, the cost of a month with a fixed part."""
    random, covered = np.random.default_rng(8), []
    for spread in (0.05, 0.2, 0.4):
        for volume in (50, 500):
            y = random.negative_binomial(1 / spread**2, 1 / (1 + volume * spread**2), (1500, 24)) + 1
            x = (y * 12 + random.gamma(4, volume / 4, y.shape)).astype(int)
            truth = 12 + volume / (volume + 1)
            sums = zip(x.sum(1), y.sum(1), (x * x).sum(1), (y * y).sum(1), (x * y).sum(1), strict=True)
            hits = [holds(ratio(Pairs(24, *(int(one) for one in row))), truth) for row in sums]
            covered.append(float(np.mean(hits)))
    assert within(float(np.mean(covered)))
    assert min(covered) >= 0.93


def mixes() -> Iterator[tuple[list[int], list[float], list[float]]]:
    """Answers, weights and shares of three groups."""
    for sizes in ([50, 30, 20], [80, 15, 25], [200, 40, 60]):
        for weights in ([0.5, 0.3, 0.2], [0.3, 0.4, 0.3]):
            for shares in ([0.5, 0.5, 0.5], [0.9, 0.6, 0.3], [0.95, 0.9, 0.7]):
                yield sizes, weights, shares


def test_a_post_stratified_share_covers_by_simulation() -> None:
    """Never short by more than a point on average; it may be wide, the larger design effect is taken."""
    random, covered = np.random.default_rng(9), []
    for sizes, weights, shares in mixes():
        truth = float(np.dot(weights, shares))
        counts = np.array([random.binomial(n, p, 500) for n, p in zip(sizes, shares, strict=True)]).T
        hits = []
        for row in counts:
            found = post_stratified([Stratum(int(c), n, w) for c, n, w in zip(row, sizes, weights, strict=True)])
            assert found is not None
            hits.append(holds(found.bounds, truth))
        covered.append(float(np.mean(hits)))
    assert 0.94 <= np.mean(covered) <= 0.98
    assert min(covered) >= 0.92


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((6, 7, 2, 7), 0.0342, 0.8534),
        ((5, 56, 0, 29), -0.0326, 0.1933),
        ((0, 10, 0, 20), -0.1658, 0.2844),
        ((0, 10, 0, 10), -0.2879, 0.2879),
        ((10, 10, 0, 20), 0.7156, 1.0),
        ((10, 10, 0, 10), 0.6636, 1.0),
    ],
)
def test_miettinen_nurminen_gives_the_published_examples(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 6."""
    assert miettinen_nurminen(*counts) == pytest.approx((low, high), abs=5e-5)


@quick
@given(st.integers(1, 40), st.integers(1, 40), st.floats(-0.95, 0.95), st.data())
def test_the_score_uses_the_likeliest_proportions_found_by_a_fine_search(
    n: int, other_n: int, difference: float, data: st.DataObject
) -> None:
    """The closed form of the cubic against the largest of the likelihood over 20,001 points."""
    count, other = data.draw(st.integers(0, n)), data.draw(st.integers(0, other_n))
    q = np.linspace(max(0.0, -difference), min(1.0, 1 - difference), 20_001)[1:-1]
    likelihood = stats.binom.logpmf(count, n, np.clip(q + difference, 0, 1)) + stats.binom.logpmf(other, other_n, q)
    best = q[np.argmax(likelihood)]
    variance = (best + difference) * (1 - best - difference) / n + best * (1 - best) / other_n
    variance *= (n + other_n) / (n + other_n - 1)
    gap = count / n - other / other_n - difference
    if variance > 1e-3:
        assert difference_score(count, n, other, other_n, difference) == pytest.approx(
            gap / np.sqrt(variance), abs=0.01
        )


def test_without_a_difference_the_score_is_that_of_the_pooled_share() -> None:
    """Pearson's chi-square, less its N by N - 1."""
    table = [[30, 20], [45, 55]]
    chi2 = stats.chi2_contingency(table, correction=False)[0]
    assert difference_score(30, 50, 45, 100, 0.0) ** 2 == pytest.approx(chi2 * 149 / 150)


@quick
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_a_difference_lies_inside_its_interval_that_turns_with_its_sides(
    n: int, other_n: int, data: st.DataObject
) -> None:
    count, other = data.draw(st.integers(0, n)), data.draw(st.integers(0, other_n))
    found, turned = miettinen_nurminen(count, n, other, other_n), miettinen_nurminen(other, other_n, count, n)
    assert found is not None
    assert turned is not None
    assert -1 <= found.low <= count / n - other / other_n <= found.high <= 1
    assert found.high > found.low
    assert (-turned.high, -turned.low) == pytest.approx(found, abs=1e-9)


@quick
@given(st.integers(2, 60), st.data())
def test_one_more_yes_never_moves_an_end_down(n: int, data: st.DataObject) -> None:
    count, other = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n))
    pairs = [
        (wilson(count, n), wilson(count + 1, n)),
        (newcombe(count, n, other, n), newcombe(count + 1, n, other, n)),
        (miettinen_nurminen(count, n, other, n), miettinen_nurminen(count + 1, n, other, n)),
        (bounded_mean(n, count, count, (0, 1)), bounded_mean(n, count + 1, count + 1, (0, 1))),
    ]
    for less, more in pairs:
        assert less is not None
        assert more is not None
        assert less.low <= more.low + 1e-9
        assert less.high <= more.high + 1e-9


@pytest.mark.parametrize("n", [1, 2, 30])
def test_none_one_and_all_of_n_have_width_inside_the_range(n: int) -> None:
    for count in {0, 1, n}:
        for found, low, high in (
            (wilson(count, n), 0, 1),
            (net_promoter(count, n - count, n), -1, 1),
            (newcombe(count, n, 0, n), -1, 1),
            (miettinen_nurminen(count, n, 0, n), -1, 1),
            (bounded_mean(n, 5 * count + n - count, 25 * count + n - count, (1, 5)), 1, 5),
        ):
            assert found is not None
            assert low <= found.low < found.high <= high


def test_nothing_has_no_difference_and_no_weighted_share() -> None:
    assert miettinen_nurminen(0, 0, 3, 5) is None
    assert post_stratified([]) is None
    assert post_stratified([Stratum(5, 10, 0.5), Stratum(0, 0, 0.5)]) is None


def test_a_mix_that_is_as_it_should_be_changes_nothing() -> None:
    found = post_stratified([Stratum(30, 60, 0.6), Stratum(20, 40, 0.4)])
    assert found is not None
    assert found.share == pytest.approx(0.5)
    assert found.effective_n == pytest.approx(100)
    assert found.bounds == pytest.approx(wilson(50, 100))


def test_a_weighted_share_by_hand_and_its_interval_by_statsmodels() -> None:
    """Half of the people are worth a tenth of the answers: 0.5 x 0.9 + 0.5 x 0.5; n over Kish's factor is 36."""
    found = post_stratified([Stratum(81, 90, 0.5), Stratum(5, 10, 0.5)])
    assert found is not None
    assert found.share == pytest.approx(0.7)
    assert found.effective_n <= 36
    n = found.effective_n
    assert found.bounds == pytest.approx(proportion_confint(0.7 * n, n, method="wilson"))
