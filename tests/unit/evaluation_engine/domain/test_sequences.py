from datetime import date
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from evaluation_engine.domain import intervals, sequences
from evaluation_engine.domain.sequences import level_of_run, log_evidence, proportion, run_of
from tests.load import looks

pytestmark = pytest.mark.requirement("A2")
quick = settings(deadline=None, max_examples=100, derandomize=True)


def test_nothing_has_no_interval() -> None:
    assert proportion(0, 0) is None
    assert sequences.mean({1: 0, 5: 0}) is None


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


SKEWED = {
    "even ratings": ((1, 2, 3, 4, 5), (0.2, 0.2, 0.2, 0.2, 0.2)),
    "one in a hundred is a one": ((1, 2, 3, 4, 5), (0.01, 0.0, 0.0, 0.0, 0.99)),
    "three in a thousand are ones": ((1, 2, 3, 4, 5), (0.003, 0.0, 0.0, 0.0, 0.997)),
    "nearly all promote": ((-1, 0, 1), (0.02, 0.01, 0.97)),
}


@pytest.mark.parametrize("case", SKEWED)
def test_looked_at_after_every_answer_a_mean_stays_inside_however_skewed_the_answers_are(case: str) -> None:
    scale, chances = SKEWED[case]
    out = looks.ever_out_of_mean(np.random.default_rng(42), scale, np.array(chances), 0.9875, (500, 1200))
    assert out <= 0.0125


def test_the_wealth_against_the_true_mean_is_one_on_average() -> None:
    """By enumeration of all counts of 12 answers on a scale of three."""
    n, chances, places = 12, (0.1, 0.2, 0.7), np.array([0.0, 0.5, 1.0])
    average = 0.0
    for low in range(n + 1):
        for middle in range(n + 1 - low):
            counts = (low, middle, n - low - middle)
            ways = comb(n, low) * comb(n - low, middle)
            wealth = np.exp(sequences.log_wealth(places, np.array(counts, np.float64), 0.8))
            average += ways * float(np.prod(np.power(chances, counts))) * float(wealth)
    assert average == pytest.approx(1)


@quick
@given(st.lists(st.integers(0, 300), min_size=5, max_size=5).filter(any))
def test_a_mean_lies_in_its_sequence_on_its_scale_and_a_mirrored_one_in_the_mirrored(counts: list[int]) -> None:
    found = sequences.mean(dict(enumerate(counts, start=1)), 0.9875)
    mirrored = sequences.mean(dict(enumerate(reversed(counts), start=1)), 0.9875)
    assert found is not None
    assert mirrored is not None
    observed = sum(points * count for points, count in enumerate(counts, start=1)) / sum(counts)
    assert 1 <= found.low <= observed + 1e-9
    assert observed - 1e-9 <= found.high <= 5
    assert found.high - found.low > 0
    assert (6 - found.high, 6 - found.low) == pytest.approx(mirrored, abs=1e-6)


@pytest.mark.parametrize(("count", "n"), [(40, 100), (90, 100), (3, 30), (90_000, 100_000)])
def test_of_yes_and_no_a_mean_is_about_as_wide_as_a_share(count: int, n: int) -> None:
    """They differ in what is mixed: all shares alike there, the arcsine law here."""
    share, found = proportion(count, n, 0.9875), sequences.mean({0: n - count, 1: count}, 0.9875)
    assert share is not None
    assert found is not None
    assert found.high - found.low == pytest.approx(share.high - share.low, rel=0.1)


def test_a_mean_is_the_surer_the_more_alike_the_answers_are() -> None:
    alike, spread = sequences.mean({1: 0, 3: 500, 5: 0}), sequences.mean({1: 250, 3: 0, 5: 250})
    assert alike is not None
    assert spread is not None
    assert alike.high - alike.low < (spread.high - spread.low) / 3


def test_arrays_say_the_same_as_the_domain() -> None:
    """What the simulations compute at once is what a status computes one by one."""
    assert looks.evidence(np.array([70]), np.array([90]), 0.6)[0] == pytest.approx(log_evidence(70, 90, 0.6))
    counts = np.array([[[2, 3, 5, 30, 60]]])
    found = sequences.mean(dict(enumerate([2, 3, 5, 30, 60], start=1)), 0.9875)
    assert found is not None
    for end, sign in ((found.low, 1), (found.high, -1)):
        just_in, just_out = (float(end + sign * step) for step in (1e-6, -1e-6))
        assert not looks.mean_refuted(counts, (1, 2, 3, 4, 5), just_in, 0.9875)[0, 0]
        assert looks.mean_refuted(counts, (1, 2, 3, 4, 5), just_out, 0.9875)[0, 0]


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
