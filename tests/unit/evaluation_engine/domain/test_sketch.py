import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.sketch import EDGES, LONGEST_MS, RELATIVE_ERROR, Sketch, bin_of, bounds_of, middle_of

quick = settings(deadline=None, max_examples=150)
durations = st.one_of(st.integers(0, 200), st.integers(0, 10**7), st.integers(0, LONGEST_MS))


def sketch(values: list[int]) -> Sketch:
    measures: dict[str, int] = {"e.dur.n": 7, "e.dur.sum": 9, "dur.3": 5}
    for value in values:
        name = f"e.dur.{bin_of(value)}"
        measures[name] = measures.get(name, 0) + 1
    return Sketch.of(measures, "e.dur")


def test_bins_are_at_most_one_percent_wide_and_leave_no_gap() -> None:
    assert all(b > a for a, b in itertools.pairwise(EDGES))
    assert all(b - a == 1 or b <= a * 1.01 for a, b in itertools.pairwise(EDGES))
    assert len(EDGES) < 3000


@quick
@given(durations)
def test_a_duration_lies_in_its_bin_and_near_its_middle(value: int) -> None:
    low, high = bounds_of(bin_of(value))
    assert low <= value <= high
    assert abs(middle_of(bin_of(value)) - value) <= RELATIVE_ERROR * value + 1e-9


def test_longer_than_two_centuries_is_the_last_bin() -> None:
    assert bin_of(LONGEST_MS * 9) == len(EDGES) - 1


@quick
@given(st.lists(durations, min_size=1, max_size=80), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
def test_a_quantile_is_within_the_stated_error_of_numpy(values: list[int], q: float) -> None:
    found = sketch(values).quantile(q)
    assert found == pytest.approx(float(np.quantile(values, q)), rel=RELATIVE_ERROR * 1.001, abs=1e-6)


@quick
@given(st.lists(durations, min_size=1, max_size=80), st.sampled_from([0.1, 0.5, 0.9]))
def test_a_quantile_lies_between_its_bounds(values: list[int], q: float) -> None:
    one = sketch(values)
    low, high = one.quantile_bounds(q, 0.95)
    value = one.quantile(q)
    assert value is not None
    assert low is not None
    assert low <= value * (1 + RELATIVE_ERROR)
    assert high is None or value <= high * (1 + RELATIVE_ERROR)


def test_the_stated_coverage_of_a_quantile_is_reached() -> None:
    random = np.random.default_rng(5)
    truth = np.exp(16)
    hits = 0
    for _ in range(300):
        low, high = sketch([int(v) for v in random.lognormal(16, 1, 80)]).quantile_bounds(0.5, 0.95)
        hits += (low or 0) <= truth <= (high or np.inf)
    assert hits / 300 > 0.93


def test_no_durations_have_no_quantile() -> None:
    assert Sketch.of({}, "e.dur").quantile(0.5) is None


@quick
@given(st.lists(st.lists(durations, max_size=20), max_size=5))
def test_the_sketch_of_parts_is_that_of_their_sum(parts: list[list[int]]) -> None:
    of_parts = [{f"e.dur.{index}": n for index, n in sketch(values).counts} | {"e.dur.n": 9} for values in parts]
    together = sketch([value for values in parts for value in values])
    assert Sketch.of_all(of_parts, "e.dur") == together


def test_bins_that_cancel_out_are_in_no_sketch() -> None:
    assert Sketch.of_all([{"e.dur.7": 2, "e.dur.8": 1}, {"e.dur.7": -2}], "e.dur").counts == ((8, 1),)
