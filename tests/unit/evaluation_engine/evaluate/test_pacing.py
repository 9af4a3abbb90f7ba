"""Whose live status is next, and when the evaluator rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evaluation_engine.service.evaluate.pacing import deadlines, is_behind, rest_after

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_hundreds_that_are_old_at_once_take_turns_and_each_gets_its_own() -> None:
    now = 1_000.0
    computed = {f"s{number}": float(number % 7) for number in range(200)}
    rounds = 0
    while due := deadlines({}, computed, now):
        assert len(due) <= 4, "the round of a change is never longer than that"
        assert max(computed[one] for one in due) <= min(
            (at for one, at in computed.items() if one not in due), default=now
        )
        computed |= dict.fromkeys(due, now)
        rounds += 1
    assert rounds == 50


def test_what_was_computed_within_a_minute_is_left_alone() -> None:
    assert list(deadlines({}, {"fresh": 941.0, "old": 939.0}, 1_000.0)) == ["old"]


def test_a_change_goes_before_what_is_merely_old_unless_that_waits_for_long() -> None:
    assert list(deadlines({"now": 1_000.0, "before": 995.0}, {"old": 930.0}, 1_000.0)) == ["before", "now", "old"]
    assert list(deadlines({"now": 1_000.0}, {"old": 905.0}, 1_000.0)) == ["old", "now"]


def test_the_stream_is_behind_when_something_is_not_counted_for_long_or_was_never_read() -> None:
    assert is_behind(None, NOW)
    assert is_behind(NOW - timedelta(seconds=6), NOW)
    assert not is_behind(NOW - timedelta(seconds=3), NOW), "partitions without news are marked once a second"


def test_a_seventh_of_the_time_is_work() -> None:
    assert 1.0 / (1.0 + rest_after(1.0)) == pytest.approx(0.15)
