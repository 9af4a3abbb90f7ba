"""Burn rates: both windows have to be over the factor, and what can never fire is refused."""

from __future__ import annotations

from typing import Literal

import pytest

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import QUARTER_MS
from evaluation_engine.domain.burn import ALERTS, Alert, Burn, Watch, burn, faults, rate
from evaluation_engine.domain.packs import BY_ID
from evaluation_engine.domain.rule import Memory, Status
from evaluation_engine.domain.target import Target

T0 = 1_790_000_100_000 // QUARTER_MS * QUARTER_MS
FAST = ALERTS[0]


def target(
    kpi: str = "availability",
    threshold: float = 99.5,
    comparison: Literal["at_least", "at_most"] = "at_least",
    cut: str = "",
) -> Target:
    return Target("up", kpi, comparison, threshold, "we", cut=cut)


WATCH = Watch(target(), BY_ID["availability"])


def watched(up: float) -> Measures:
    """A quarter hour in which the service was up for this share of the time."""
    return {
        "m.watched-seconds.n": 1,
        "m.watched-seconds.sum": 900_000,
        "m.watched-seconds.sumsq": 900_000**2,
        "m.up-seconds.n": 1,
        "m.up-seconds.sum": round(900_000 * up),
        "m.up-seconds.sumsq": round(900_000 * up) ** 2,
    }


def quarters(*up: float) -> dict[int, Measures]:
    return {T0 + n * QUARTER_MS: watched(share) for n, share in enumerate(up)}


def played(alert: Alert, *up: float) -> list[Burn]:
    found, memory = [], Memory()
    by_start = quarters(*up)
    for n in range(len(up)):
        found.append(burn(WATCH, alert, by_start, T0 + (n + 1) * QUARTER_MS, memory))
        memory = found[-1].after
    return found


def test_the_rate_is_the_bad_share_over_the_budget_worked_by_hand() -> None:
    # 2 of 4 quarter hours are 90 % up: 5 % bad of a budget of 0.5 % is ten times as fast as allowed.
    found, n = rate(WATCH, quarters(1, 1, 0.9, 0.9), (T0, T0 + 4 * QUARTER_MS))
    assert found == pytest.approx(10.0)
    assert n == 4


@pytest.mark.requirement("E5.3.2")
def test_it_fires_only_when_both_windows_are_over_and_ends_with_the_short_one() -> None:
    found = played(FAST, 1, 1, 1, 0.9, 0.8, 0.8, 1, 1)
    # long 1 h: 0, 0, 0, 5, 15, 25, 25, 20 times; short 15 min: 0, 0, 0, 20, 40, 40, 0, 0 times
    assert [one.after.status.firing for one in found] == [False] * 4 + [True, True, False, False]
    assert [one.opens for one in found].count(True) == [one.closes for one in found].count(True) == 1
    assert found[4].long == pytest.approx(15.0)
    assert found[4].short == pytest.approx(40.0)


def test_exactly_at_the_factor_it_does_not_fire() -> None:
    assert not played(Alert("at", "page", 20.0, QUARTER_MS, QUARTER_MS), 0.9)[0].after.status.firing
    assert played(Alert("at", "page", 19.9, QUARTER_MS, QUARTER_MS), 0.9)[0].after.status.firing


def test_without_data_it_neither_fires_nor_ends() -> None:
    by_start = quarters(0.5)
    first = burn(WATCH, FAST, by_start, T0 + QUARTER_MS, Memory())
    later = burn(WATCH, FAST, by_start, T0 + 40 * QUARTER_MS, first.after)
    never = burn(WATCH, FAST, {}, T0, Memory())
    assert (first.opens, later.after.status, later.closes) == (True, Status.FIRING_STALE, False)
    assert never.after.status is Status.NO_DATA


def test_a_long_window_with_too_little_in_it_does_not_fire() -> None:
    some = Watch(target(), BY_ID["availability"], min_sample=3)
    assert burn(some, FAST, quarters(0.5, 0.5), T0 + 2 * QUARTER_MS, Memory()).after.status is Status.INSUFFICIENT
    assert burn(some, FAST, quarters(0.5, 0.5, 0.5), T0 + 3 * QUARTER_MS, Memory()).opens


def test_a_kpi_that_is_better_when_low_has_its_threshold_as_budget() -> None:
    watch = Watch(target("change-failure-rate", 5, "at_most"), BY_ID["change-failure-rate"])
    found, _ = rate(watch, {T0: {"m.changes.sum": 10_000, "m.failed-changes.sum": 1_000}}, (T0, T0 + QUARTER_MS))
    assert watch.budget == pytest.approx(0.05)
    assert found == pytest.approx(2.0)


def test_a_share_of_one_counts_like_one_of_a_hundred() -> None:
    assert Watch(target("apdex", 0.9), BY_ID["apdex"]).budget == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (target(threshold=93.0), "can never fire"),
        (target(threshold=100.0), "no error budget"),
        (target("mttr", 4, "at_most"), "a share"),
        (target("completion-rate", 80), "no outcome yet"),
        (target(comparison="at_most", threshold=1), "good side"),
        (target(cut="segment.age=65+"), "by channel only"),
    ],
)
def test_what_can_not_be_watched_or_never_fires_is_refused(made: Target, reason: str) -> None:
    assert reason in " ".join(faults(made, BY_ID[made.kpi]))


def test_what_can_be_watched_has_no_fault() -> None:
    assert not list(faults(target(), BY_ID["availability"]))
    assert not list(faults(target("error-rate", 2, "at_most", "channel=web"), BY_ID["error-rate"]))
