from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evaluation_engine.domain.intervals import (
    Pairs,
    bounded_mean,
    mean,
    net_promoter,
    newcombe,
    quantile_ranks,
    ratio,
    wilson,
)

pytestmark = pytest.mark.requirement("A2")
quick = settings(deadline=None, max_examples=150)
SIZES = [1, 2, 5, 30, 100, 1434]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_equals_statsmodels(n: int, level: float) -> None:
    for count in {0, 1, n // 3, n - 1, n}:
        assert wilson(count, n, level) == pytest.approx(
            proportion_confint(count, n, alpha=1 - level, method="wilson"), abs=1e-12
        )


@quick
@given(st.integers(1, 10_000), st.data())
def test_a_proportion_lies_inside_its_interval_and_the_interval_inside_0_to_1(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    found = wilson(count, n)
    assert found is not None
    assert 0 <= found.low <= count / n <= found.high <= 1
    assert found.high > found.low


def test_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 3, 5) is None
    assert net_promoter(0, 0, 0) is None
    assert bounded_mean(0, 0, 0, (1, 5)) is None
    assert mean(1, 5, 25) is None


@pytest.mark.parametrize(
    ("a", "b"), [((56, 70), (48, 80)), ((0, 10), (0, 10)), ((9, 10), (3, 10)), ((10, 10), (0, 20))]
)
def test_newcombe_equals_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = newcombe(*a, *b)
    assert found == pytest.approx(confint_proportions_2indep(*a, *b, method="newcomb", compare="diff"), abs=1e-9)


def test_newcombe_gives_the_published_example() -> None:
    """Newcombe 1998, table II: 56/70 against 48/80 is 0.0524 to 0.3339."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_net_promoter_interval_covers_where_the_plain_one_does_not() -> None:
    """By enumeration at n = 20, promoters 0.90, detractors 0.02."""
    n, p, d = 20, 0.90, 0.02
    ours = plain = 0.0
    z = stats.norm.ppf(0.975)
    for up in range(n + 1):
        for down in range(n + 1 - up):
            rest = n - up - down
            probability = comb(n, up) * comb(n - up, down) * p**up * d**down * (1 - p - d) ** rest
            found = net_promoter(up, down, n)
            assert found is not None
            ours += probability * (found.low <= p - d <= found.high)
            score = (up - down) / n
            half = z * sqrt(((up + down) / n - score**2) / n)
            plain += probability * (score - half <= p - d <= score + half)
    assert plain == pytest.approx(0.875, abs=0.001)
    assert 0.94 <= ours <= 0.99


@quick
@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_a_net_promoter_score_lies_inside_its_interval(up: int, down: int, rest: int) -> None:
    n = up + down + rest
    found = net_promoter(up, down, n)
    if n:
        assert found is not None
        assert -1 <= found.low <= found.high <= 1
        assert found.low - 0.8 / sqrt(n) <= (up - down) / n <= found.high + 0.8 / sqrt(n)


def test_the_mean_of_a_bounded_score_covers_where_nearly_all_give_the_best() -> None:
    random = np.random.default_rng(20240229)
    hits = plain = 0
    truth = 0.97 * 5 + 0.03
    rounds = 2000
    answers = np.where(random.random((rounds, 30)) < 0.97, 5, 1)
    for row in answers:
        found = bounded_mean(30, int(row.sum()), int((row**2).sum()), (1, 5))
        naive = mean(30, int(row.sum()), int((row**2).sum()))
        assert found is not None
        assert naive is not None
        hits += found.low <= truth <= found.high
        plain += naive.low <= truth <= naive.high
    assert plain / rounds < 0.65
    assert hits / rounds > 0.93


@quick
@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_the_interval_of_a_bounded_mean_stays_on_the_scale_and_has_width(ratings: list[int]) -> None:
    found = bounded_mean(len(ratings), sum(ratings), sum(r * r for r in ratings), (1, 5))
    assert found is not None
    assert 1 <= found.low < found.high <= 5


@quick
@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=40))
def test_a_plain_mean_equals_scipy(values: list[int]) -> None:
    found = mean(len(values), sum(values), sum(v * v for v in values))
    if len(set(values)) > 1:
        expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-3)


def test_a_ratio_covers_and_agrees_with_the_bootstrap() -> None:
    random = np.random.default_rng(11)
    y = random.poisson(200, 24)
    x = (y * 12 + random.normal(0, 300, 24)).astype(int)
    found = ratio(Pairs(24, int(x.sum()), int(y.sum()), int((x * x).sum()), int((y * y).sum()), int((x * y).sum())))
    picks = random.integers(0, 24, (4000, 24))
    boots = np.quantile(x[picks].sum(1) / y[picks].sum(1), [0.025, 0.975])
    assert found is not None
    assert found.low < x.sum() / y.sum() < found.high
    assert found.high - found.low == pytest.approx(boots[1] - boots[0], rel=0.15)


def test_a_ratio_needs_two_units_and_a_denominator() -> None:
    assert ratio(Pairs(1, 5, 5, 25, 25, 25)) is None
    assert ratio(Pairs(3, 5, 0, 25, 0, 0)) is None


@pytest.mark.parametrize("n", [1, 10, 30, 200, 1327])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_order_statistics_cover_a_quantile_at_least_as_often_as_stated(n: int, q: float) -> None:
    low, high = quantile_ranks(n, q)
    binomial = stats.binom(n, q)
    below = binomial.cdf(low - 1) if low else 0.0
    above = binomial.sf(high - 1) if high else 0.0
    assert below <= 0.025
    assert above <= 0.025
    assert high is None or binomial.sf(high - 2) > 0.025
    assert low is None or binomial.cdf(low) > 0.025


def test_thirty_values_do_not_bound_their_90th_percentile_from_above() -> None:
    assert quantile_ranks(30, 0.9).high is None
