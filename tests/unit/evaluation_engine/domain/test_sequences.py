from datetime import date
from math import comb, isclose, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from evaluation_engine.domain import intervals, sequences
from evaluation_engine.domain.sequences import level_of_run, log_evidence, proportion, run_of
from tests.load import looks

pytestmark = pytest.mark.requirement("A2")
quick = settings(deadline=None, max_examples=100, derandomize=True)


def test_nothing_has_no_interval() -> None:
    assert proportion(0, 0) is None
    assert sequences.mean(99, 300, 1000) is None
    assert sequences.bounded_mean(0, 0, 0, (1, 5)) is None


@pytest.mark.parametrize("n", [1, 2, 10, 500])
def test_all_of_n_has_a_closed_form(n: int) -> None:
    """The wealth is 1 / ((n + 1) p^n), so that the lowest share is (0.05 / (n + 1))^(1/n); none of n mirrors it."""
    low = (0.05 / (n + 1)) ** (1 / n)
    assert proportion(n, n) == pytest.approx((low, 1.0), abs=1e-9)
    assert proportion(0, n) == pytest.approx((0.0, 1 - low), abs=1e-9)


@pytest.mark.parametrize(("count", "n", "share"), [(3, 10, 0.5), (0, 4, 0.2), (70, 90, 0.6)])
def test_the_evidence_is_the_likelihood_mixed_over_all_shares(count: int, n: int, share: float) -> None:
    mixed, _ = quad(lambda p: p**count * (1 - p) ** (n - count), 0, 1, epsabs=0, epsrel=1e-10)
    assert log_evidence(count, n, share) == pytest.approx(log(mixed / (share**count * (1 - share) ** (n - count))))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_the_evidence_against_the_truth_is_one_on_average(share: float) -> None:
    """A martingale: by enumeration at n = 40."""
    n = 40
    average = sum(
        comb(n, k) * share**k * (1 - share) ** (n - k) * np.exp(log_evidence(k, n, share)) for k in range(n + 1)
    )
    assert average == pytest.approx(1)


@quick
@given(st.integers(1, 5000), st.data())
def test_a_sequence_holds_the_share_lies_in_0_to_1_and_is_wider_than_the_interval_of_one_look(
    n: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, n))
    found, once = proportion(count, n), intervals.wilson(count, n)
    assert found is not None
    assert once is not None
    assert 0 <= found.low <= count / n <= found.high <= 1
    assert found.high - found.low > once.high - once.low


@quick
@given(st.integers(2, 300), st.data())
def test_one_more_yes_moves_both_ends_up(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n - 1))
    less, more = proportion(count, n), proportion(count + 1, n)
    assert less is not None
    assert more is not None
    assert less.low <= more.low
    assert less.high <= more.high


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_looked_at_after_every_answer_the_share_stays_inside_in_95_of_100_runs(share: float) -> None:
    runs, length = 1500, 2000
    yes = (np.random.default_rng(41).random((runs, length)) < share).cumsum(1)
    n = np.arange(1, length + 1)
    out = (looks.evidence(yes, n, share) >= log(1 / 0.05)).any(1).mean()
    assert out <= 0.05
    naive = (np.abs(yes / n - share) > looks.wilson_half(n, share)).any(1).mean()
    assert naive > 0.4


@pytest.mark.parametrize(("name", "weights"), [("even", [1, 1, 1, 1, 1]), ("good", [2, 2, 6, 30, 60])])
def test_looked_at_after_every_answer_a_mean_rating_stays_inside_in_95_of_100_runs(
    name: str, weights: list[float]
) -> None:
    chances = np.array(weights) / sum(weights)
    ratings = np.random.default_rng(42).choice([1, 2, 3, 4, 5], (1500, 2000), p=chances)
    assert looks.ever_out_of_mean(ratings, float(chances @ [1, 2, 3, 4, 5]), 0.95) <= 0.06


def test_arrays_say_the_same_as_the_domain() -> None:
    """What the simulations compute at once is what a status computes one by one."""
    assert looks.evidence(np.array([70]), np.array([90]), 0.6)[0] == pytest.approx(log_evidence(70, 90, 0.6))
    ratings = np.random.default_rng(1).integers(1, 6, (1, 400))
    low, high = looks.mean_bounds(ratings, 0.99)
    values = [int(one) for one in ratings[0]]
    found = sequences.bounded_mean(400, sum(values), sum(v * v for v in values), (1, 5), 0.99)
    assert found == pytest.approx((low[0, -1], high[0, -1]))


def test_the_margin_is_that_of_the_paper_and_narrowest_where_it_is_tuned_to_be() -> None:
    def margin(log_rho2: float) -> float:
        rho2 = float(np.exp(log_rho2))
        return sqrt(2 * (500 * rho2 + 1) / (500**2 * rho2) * log(sqrt(500 * rho2 + 1) / 0.05))

    best = minimize_scalar(margin, bounds=(-20, 5), method="bounded")
    assert sequences.unit_margin(500, 0.95, 500) == pytest.approx(float(best.fun), rel=1e-8)


def test_a_mean_is_centred_and_a_bounded_one_stays_on_its_scale() -> None:
    found = sequences.mean(200, 800, 3400)
    assert found is not None
    assert isclose((found.low + found.high) / 2, 4)
    alike = sequences.bounded_mean(100, 500, 2500, (1, 5))
    assert alike is not None
    assert 1 < alike.low < alike.high == 5


def test_the_error_of_a_year_is_split_over_its_runs() -> None:
    assert level_of_run(0.95, 4) == pytest.approx(0.9875)
    assert level_of_run(0.95, 1) == pytest.approx(0.95)
    with pytest.raises(ValueError, match="at least one"):
        level_of_run(0.95, 0)


@pytest.mark.parametrize(
    ("day", "restarts", "start", "end"),
    [
        (date(2026, 11, 24), 4, date(2026, 10, 1), date(2027, 1, 1)),
        (date(2026, 3, 31), 4, date(2026, 1, 1), date(2026, 4, 1)),
        (date(2026, 12, 1), 12, date(2026, 12, 1), date(2027, 1, 1)),
        (date(2026, 6, 30), 2, date(2026, 1, 1), date(2026, 7, 1)),
        (date(2026, 6, 30), 1, date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_run_starts_on_a_fixed_day(day: date, restarts: sequences.Restarts, start: date, end: date) -> None:
    run = run_of(day, "Europe/Athens", restarts=restarts)
    assert (run.period.start, run.period.end) == (start, end)
    assert run.level == level_of_run(0.95, restarts)


@settings(max_examples=30, derandomize=True)
@given(st.integers(1, 200), st.sampled_from([0.5, 0.75, 0.9]))
def test_a_quantile_stays_between_the_ranks_that_the_share_below_does_not_exclude(n: int, q: float) -> None:
    low, high = sequences.quantile_ranks(n, q, 0.9875)
    kept = [k for k in range(n + 1) if (found := proportion(k, n, 0.9875)) and found.low <= q <= found.high]
    assert (low or 0, high or n + 1) == (kept[0], kept[-1] + 1)


def test_looked_at_after_every_case_the_median_stays_between_its_ranks_in_95_of_100_runs() -> None:
    runs, length = 300, 600
    below = (np.random.default_rng(43).random((runs, length)) < 0.5).cumsum(1)
    ranks = [sequences.quantile_ranks(n, 0.5) for n in range(1, length + 1)]
    least = np.array([found.low or 0 for found in ranks])
    most = np.array([length + 1 if found.high is None else found.high for found in ranks])
    out = ((below < least) | (below >= most)).any(1).mean()
    assert out <= 0.05


@pytest.mark.parametrize("share", [0.3, 0.85])
def test_parts_of_an_answer_are_no_easier_to_refute_than_whole_ones(share: float) -> None:
    """Answers between 0 and 1 with a mean of `share`: the wealth against the truth is one on average at most."""
    n = 40
    random = np.random.default_rng(44)
    sums = random.beta(4 * share, 4 * (1 - share), (20_000, n)).sum(1)
    assert np.mean([np.exp(log_evidence(float(total), n, share)) for total in sums]) < 1
