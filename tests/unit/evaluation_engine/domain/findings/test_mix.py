"""Comparisons of groups and periods warn where the mix of channels turns them round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import driver, hot_step, repeat_contact, segment_gap
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import Stratum, warned, within
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.findings.significance import Count
from tests.support.made_up_services import PERIOD, Service

STONES = [Stratum(Count(81, 87), Count(234, 270)), Stratum(Count(192, 263), Count(55, 80))]
"""Successes of open surgery and of puncture, for small and for large kidney stones (Charig and others 1986)."""

FINDING = Finding(FindingKind.DRIVER, "x", "It differs.", {"n": 1}, "m", PERIOD, "csat")


def ratings(good: int, n: int) -> dict[str, int]:
    return {"rating.5": good, "rating.2": n - good}


def added(*parts: Mapping[str, int]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def test_a_difference_that_turns_round_within_strata_is_told_with_what_it_is_there() -> None:
    told = warned(FINDING, -0.05, STONES)
    assert told.statement == (
        "It differs. Mind the mix of channels: compared channel by channel, the difference is 5.4 points the other way."
    )
    # by hand: (65.80 × 6.437 + 61.34 × 4.254) / 127.14 points
    assert told.numbers["points_within_channels"] == pytest.approx(5.383, abs=0.002)


def test_a_difference_that_stays_is_told_without_a_word_of_the_mix() -> None:
    same = [Stratum(Count(50, 100), Count(40, 100)), Stratum(Count(20, 100), Count(10, 200))]
    assert warned(FINDING, 0.1, same) is FINDING


@pytest.mark.parametrize(("here", "warns"), [(489, True), (490, True), (491, False), (499, False)])
def test_less_than_a_point_the_other_way_is_noise(here: int, *, warns: bool) -> None:
    """Of 1,000 on both sides of one channel, 500 there; all the others are on one side only."""
    strata = [Stratum(Count(here, 1000), Count(500, 1000)), Stratum(Count(900, 1000), Count(0, 0))]
    told = warned(FINDING, 0.2, strata)
    assert ("the other way" in told.statement) == warns
    assert warned(FINDING, -0.2, strata) is FINDING


def test_the_difference_that_is_told_counts_and_not_that_of_the_channels_together() -> None:
    """On the channels that are known the shares differ as told; the sum of both doesn't."""
    assert warned(FINDING, 0.05, STONES) is FINDING


@pytest.mark.parametrize("strata", [[], [Stratum(Count(5, 10), Count(0, 0))]])
def test_what_is_nowhere_on_both_sides_can_not_be_compared_like_with_like(strata: list[Stratum]) -> None:
    assert within(strata) is None
    assert warned(FINDING, 0.1, strata) is FINDING


counts = st.tuples(st.integers(1, 60), st.integers(1, 60)).map(lambda pair: Count(pair[0], sum(pair)))


@given(st.lists(st.builds(Stratum, counts, counts), min_size=1, max_size=5))
def test_the_difference_within_strata_has_the_sign_of_the_mantel_haenszel_odds_ratio_where_strata_agree(
    strata: list[Stratum],
) -> None:
    signs = {(one.here.share > one.there.share) - (one.here.share < one.there.share) for one in strata}
    if len(signs) == 1:
        tables = [[[one.here.k, one.here.n - one.here.k], [one.there.k, one.there.n - one.there.k]] for one in strata]
        pooled = float(StratifiedTable([[list(row) for row in table] for table in tables]).logodds_pooled)
        assert _sign(pooled) == _sign(within(strata) or 0.0)


def _sign(number: float) -> int:
    return (number > 1e-9) - (number < -1e-9)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Old people mostly come to the counter, where fewer are satisfied; on each channel they are the happier ones."""
    made = Service(seed=1).scene()
    pairs = {
        "channel=web|segment.age=65+": ratings(95, 100),
        "channel=counter|segment.age=65+": ratings(240, 400),
        "channel=web|segment.age=18-34": ratings(900, 1000),
        "channel=counter|segment.age=18-34": ratings(50, 100),
    }
    ages = ("segment.age=65+", "segment.age=18-34")
    by = {cut: added(*(found for pair, found in pairs.items() if cut in pair)) for cut in ages}
    by |= {f"channel={one}": added(*(pairs[f"channel={one}|{age}"] for age in ages)) for one in ("web", "counter")}
    return replace(
        made,
        now=added(*pairs.values()),
        cuts=by,
        pairs=pairs,
        dimensions={"channel": ("channel=web", "channel=counter"), "segment.age": ages},
    )


@pytest.mark.parametrize("find", [segment_gap.find, driver.find])
def test_a_group_that_only_uses_the_worse_channel_is_not_worse_served_on_it(
    find: Callable[[Scene], Iterator[Candidate]], scene: Scene
) -> None:
    found = [one.finding for one in find(scene) if one.finding]
    [old] = [one for one in found if one.cut == "segment.age=65+"]
    assert "the other way" in old.statement
    inside = old.numbers["points_within_channels"]
    assert isinstance(inside, float)
    assert inside > 0
    assert not [one for one in found if one.cut.startswith("channel=") and "mix of channels" in one.statement]


def test_more_people_on_the_harder_channel_are_not_more_trouble_on_each() -> None:
    made = Service(seed=2).scene()
    now = {"channel=web": (100, 90), "channel=counter": (900, 500)}  # fulfilled, at the first attempt
    past = {"channel=web": (9000, 8000), "channel=counter": (1000, 500)}

    def measures(pair: tuple[int, int]) -> dict[str, int]:
        return {"j.fulfilled": pair[0], "j.first_time": pair[1]}

    weeks = {
        day: {**found, "j.fulfilled": 55, "j.first_time": 47} for day, found in made.days.items() if day < PERIOD.start
    }
    scene = replace(
        made,
        now=measures((1000, 590)),
        cuts={cut: measures(pair) for cut, pair in now.items()},
        past_cuts={cut: measures(pair) for cut, pair in past.items()},
        days=weeks,
    )
    [found] = [one.finding for one in repeat_contact.find(scene) if one.finding]
    assert "the other way" in found.statement


def test_more_errors_at_a_step_are_not_warned_of_by_those_who_gave_it_up() -> None:
    """Of the step 50 of 1,000 were given up before and now; on each channel fewer now than before."""
    made = Service(seed=2).scene()

    def measures(reached: int, abandoned: int, errors: int) -> dict[str, int]:
        return {"step.pay.reached": reached, "step.pay.abandoned": abandoned, "step.pay.errors": errors}

    weeks = {day: measures(140, 7, 7) for day in made.days if day < PERIOD.start}
    scene = replace(
        made,
        now=measures(1000, 52, 400),
        cuts={"channel=web": measures(100, 1, 40), "channel=counter": measures(900, 51, 360)},
        past_cuts={"channel=web": measures(900, 30, 45), "channel=counter": measures(100, 15, 5)},
        days=weeks,
        steps=("pay",),
        dimensions={"channel": ("channel=web", "channel=counter")},
    )
    [found] = [one.finding for one in hot_step.find(scene) if one.finding]
    assert "errors came up" in found.statement
    assert "given up" not in found.statement
    assert "mix of channels" not in found.statement
