"""Distributions: exact integers in bins, divided among days without a rest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import merge, subtract
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.contribution.measurements import Measurement, of_measurement
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.kpi_measures import DurationQuantile
from evaluation_engine.domain.samples import merged, over_days
from evaluation_engine.domain.sketch import bin_of
from tests.unit.evaluation_engine.domain.evidences import evidence
from tests.unit.evaluation_engine.domain.journeys import DAY, T0

pytestmark = pytest.mark.requirement("A1")

CONTEXT = FactContext("UTC", None, frozenset(), frozenset(), frozenset(), {})
SAMPLES = st.lists(st.tuples(st.integers(0, 10**10), st.integers(1, 50)), min_size=1, max_size=20).map(merged)


def lcp(samples: tuple[tuple[int, int], ...], **over: int) -> Measurement:
    total = sum(milli * count for milli, count in samples)
    return Measurement("permit", "lcp", total, over.get("at_ms", T0), over.get("until_ms"), "web", samples)


def test_samples_are_exact_sums_and_whole_counts_in_bins_of_thousandths() -> None:
    [share] = of_measurement(lcp(merged([(100, 2), (250, 1), (100, 1)])), CONTEXT)
    assert share.measures == {
        "m.lcp.n": 1, "m.lcp.samples": 4, "m.lcp.sum": 550, "m.lcp.sumsq": 3 * 100**2 + 250**2,
        f"m.lcp.{bin_of(100)}": 3, f"m.lcp.{bin_of(250)}": 1,
    }  # fmt: skip
    assert share.address.quarter == T0


@settings(max_examples=50)
@given(SAMPLES, st.integers(0, 40 * DAY), st.integers(1, 40 * DAY))
def test_a_distribution_over_a_period_is_divided_into_whole_samples_and_none_is_lost(
    samples: tuple[tuple[int, int], ...], offset: int, length: int
) -> None:
    spread = lcp(samples, at_ms=T0 + offset, until_ms=T0 + offset + length)
    shares = of_measurement(spread, CONTEXT)
    at_once = of_measurement(lcp(samples), CONTEXT)[0].measures
    total = merge(share.measures for share in shares)
    assert {**total, "m.lcp.n": 1} == {name: n for name, n in at_once.items() if n}
    assert all(amount >= 0 for share in shares for amount in share.measures.values())
    assert total["m.lcp.n"] == len(shares)


@given(SAMPLES, st.lists(st.integers(1, DAY), min_size=1, max_size=32))
def test_the_number_of_samples_of_a_day_is_nearly_right_however_rare_each_value_is(
    samples: tuple[tuple[int, int], ...], lengths: list[int]
) -> None:
    n, whole = sum(count for _, count in samples), sum(lengths)
    for day, length in zip(over_days(samples, lengths), lengths, strict=True):
        assert abs(sum(count for _, count in day) - n * length / whole) < 2


@settings(max_examples=50)
@given(SAMPLES, SAMPLES)
def test_taking_one_out_again_leaves_the_other_as_if_it_had_come_alone(
    one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]
) -> None:
    alone, both = (of_measurement(lcp(samples), CONTEXT)[0].measures for samples in (one, other))
    total = merge([alone, both])
    subtract(total, both)
    assert total == {name: n for name, n in alone.items() if n}


def test_a_quantile_of_samples_is_in_their_own_unit_and_says_the_error_of_its_bins() -> None:
    # 1,000 page loads of 1, 2, ..., 1000 ms; numpy.quantile(range(1, 1001), 0.75) is 750.25
    [share] = of_measurement(lcp(tuple((1000 * ms, 1) for ms in range(1, 1001))), CONTEXT)
    found = estimate(DurationQuantile("m.lcp", 0.75, 1000), evidence(share.measures), 0.95)
    assert found.value == pytest.approx(750.25, rel=0.005)
    assert (found.n, found.details) == (1000, {"relative_error": pytest.approx(0.005, abs=0.0001)})
    assert found.bounds is not None
    assert found.bounds.low == pytest.approx(723, rel=0.011)  # ranks 723 and 778 by the binomial of 1,000 and 0.75
    assert found.bounds.high == pytest.approx(778, rel=0.011)
