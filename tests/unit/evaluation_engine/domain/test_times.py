"""Evaluation times: whole days between the times of a cron expression, with zone and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.times import Times, fault_of, stretch_of

ATHENS = "Europe/Athens"
MONDAYS = Times("0 6 * * MON", ATHENS)


def days_of(times: Times, day: date) -> tuple[date, date]:
    stretch = stretch_of(times, day, ATHENS)
    return stretch.start, stretch.end


@pytest.mark.requirement("A4")
def test_a_stretch_begins_on_the_day_of_one_time_and_ends_before_the_day_of_the_next() -> None:
    for day in range(23, 30):
        assert days_of(MONDAYS, date(2026, 11, day)) == (date(2026, 11, 23), date(2026, 11, 30))
    assert days_of(MONDAYS, date(2026, 11, 30)) == (date(2026, 11, 30), date(2026, 12, 7))


def test_an_evaluation_is_due_at_its_time_in_its_own_zone() -> None:
    in_tehran = Times("30 5 1 * *", "Asia/Tehran")
    due = datetime.fromtimestamp(stretch_of(in_tehran, date(2026, 11, 20), ATHENS).due_ms / 1000, UTC)
    assert due == datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def test_a_time_on_a_holiday_is_moved_or_left_out() -> None:
    holidays = frozenset({date(2026, 12, 28), date(2026, 12, 29)})
    moved = Times("0 6 * * MON", ATHENS, holidays)
    assert days_of(moved, date(2026, 12, 24)) == (date(2026, 12, 21), date(2026, 12, 30))
    assert days_of(moved, date(2026, 12, 30)) == (date(2026, 12, 30), date(2027, 1, 4))
    left_out = Times("0 6 * * MON", ATHENS, holidays, "skip")
    assert days_of(left_out, date(2026, 12, 29)) == (date(2026, 12, 21), date(2027, 1, 4))


def test_times_that_holidays_move_onto_the_same_day_are_one_evaluation() -> None:
    daily = Times("0 6 * * *", ATHENS, frozenset({date(2026, 12, 25), date(2026, 12, 26)}))
    assert days_of(daily, date(2026, 12, 24)) == (date(2026, 12, 24), date(2026, 12, 27))
    assert days_of(daily, date(2026, 12, 27)) == (date(2026, 12, 27), date(2026, 12, 28))


def test_a_time_that_the_clock_skips_in_spring_still_comes_once() -> None:
    daily = Times("30 3 * * *", ATHENS)
    day = date(2026, 3, 27)
    for _ in range(5):
        assert days_of(daily, day) == (day, day + timedelta(days=1))
        day += timedelta(days=1)


@given(
    day=st.dates(date(2025, 1, 1), date(2028, 12, 31)),
    cron=st.sampled_from(["0 6 * * MON", "15 2 1,15 * *", "0 0 1 */3 *", "59 23 * * *", "0 9 * * MON-FRI"]),
    holidays=st.frozensets(st.dates(date(2025, 1, 1), date(2028, 12, 31)), max_size=40),
    on_holiday=st.sampled_from(["next_day", "skip"]),
)
def test_stretches_cover_every_day_once(day: date, cron: str, holidays: frozenset[date], on_holiday: str) -> None:
    times = Times(cron, ATHENS, holidays, "skip" if on_holiday == "skip" else "next_day")
    start, end = days_of(times, day)
    assert start <= day < end
    assert days_of(times, start) == days_of(times, end - timedelta(days=1)) == (start, end)
    assert days_of(times, end)[0] == end


@pytest.mark.parametrize(
    "cron", ["* 6 * * *", "0 6,18 * * *", "0 */4 * * *", "0 6 * *", "0 0 6 * * *", "0 6 30 2 *", "x"]
)
def test_more_than_once_a_day_or_never_is_refused(cron: str) -> None:
    assert fault_of(cron) is not None
