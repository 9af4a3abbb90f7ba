import warnings
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.findings.significance import (
    Count,
    benjamini_hochberg,
    fisher,
    fit,
    higher_rate,
    homogeneity,
    more_often,
)

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))).map(lambda pair: Count(*pair))


@given(counts, counts)
def test_fisher_is_that_of_scipy(more: Count, less: Count) -> None:
    from scipy.stats import fisher_exact

    table = np.array([[more.k, more.n - more.k], [less.k, less.n - less.k]])
    assert isclose(fisher(more, less), fisher_exact(table, alternative="greater").pvalue, rel_tol=1e-6, abs_tol=1e-12)


@given(st.lists(counts, min_size=2, max_size=6))
def test_homogeneity_is_pearsons_chi_square(groups: list[Count]) -> None:
    from scipy.stats import chi2_contingency

    if not 0 < sum(one.k for one in groups) < sum(one.n for one in groups):
        assert homogeneity(groups) == 1.0
        return
    oracle = chi2_contingency([[one.k, one.n - one.k] for one in groups], correction=False).pvalue
    assert isclose(homogeneity(groups), oracle, rel_tol=1e-6, abs_tol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_those_of_scipy(p_values: list[float]) -> None:
    from scipy.stats import false_discovery_control

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert benjamini_hochberg(p_values) == pytest.approx(list(false_discovery_control(p_values)))


def test_nothing_is_adjusted_to_nothing() -> None:
    assert benjamini_hochberg([]) == []


def test_a_share_like_its_own_past_is_no_more_often() -> None:
    assert more_often(Count(10, 100), [Count(10, 100)] * 10) > 0.4


def test_a_share_far_above_its_own_past_is_more_often() -> None:
    assert more_often(Count(30, 100), [Count(10, 100)] * 10) < 1e-3


def test_a_past_that_scatters_widely_makes_less_sure() -> None:
    calm, wild = [Count(10, 100)] * 10, [Count(2, 100), Count(18, 100)] * 5
    assert more_often(Count(17, 100), calm) < 0.05 < more_often(Count(17, 100), wild)


def test_a_past_of_five_weeks_says_nothing() -> None:
    assert more_often(Count(90, 100), [Count(10, 100)] * 5) == 1.0
    assert higher_rate(Count(90, 100), [Count(10, 100)] * 5) == 1.0


def test_more_errors_than_people_are_no_fault() -> None:
    assert higher_rate(Count(250, 100), [Count(120, 100)] * 10) < 1e-6


def test_answers_that_follow_the_users_fit_and_others_do_not() -> None:
    assert fit([70, 30], [700, 300]) == 1.0
    assert fit([97, 3], [700, 300]) < 1e-6


def test_groups_too_small_to_expect_five_are_pooled() -> None:
    assert fit([170, 18, 7, 5], [180, 12, 4, 4]) == pytest.approx(fit([170, 18, 12], [180, 12, 8]))
