from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.buckets import (
    DAY_MS,
    Calendar,
    Period,
    calendar,
    covering,
    quarter_start,
    quarters,
    split,
)

HOUR_MS = 3_600_000
ZONES = [
    "UTC",
    "Europe/Athens",
    "Asia/Tehran",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
]


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000)


def test_a_quarter_hour_is_in_utc() -> None:
    assert quarter_start(ms(2026, 3, 1, 10, 44, 59)) == ms(2026, 3, 1, 10, 30)
    assert list(quarters(ms(2026, 3, 1, 10, 20), ms(2026, 3, 1, 11))) == [
        ms(2026, 3, 1, 10, 15),
        ms(2026, 3, 1, 10, 30),
        ms(2026, 3, 1, 10, 45),
    ]


def test_days_have_23_and_25_hours_where_clocks_change() -> None:
    athens = calendar("Europe/Athens")
    assert athens.start_of(date(2026, 3, 30)) - athens.start_of(date(2026, 3, 29)) == 23 * HOUR_MS
    assert athens.start_of(date(2026, 10, 26)) - athens.start_of(date(2026, 10, 25)) == 25 * HOUR_MS


def test_midnight_in_tehran_is_half_past_eight_in_the_evening_utc() -> None:
    assert calendar("Asia/Tehran").day_start(ms(2026, 5, 2, 20, 29)) == ms(2026, 5, 1, 20, 30)
    assert calendar("Asia/Tehran").day_start(ms(2026, 5, 2, 20, 30)) == ms(2026, 5, 2, 20, 30)


def test_a_day_whose_midnight_is_skipped_starts_at_the_jump() -> None:
    jump = ms(2024, 4, 25, 22)
    assert calendar("Africa/Cairo").day_start(jump) == jump
    assert calendar("Africa/Cairo").day_start(jump - 1) < jump


@settings(max_examples=200)
@given(st.sampled_from(ZONES), st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1)))
def test_an_instant_lies_in_the_local_day_and_month_of_its_bucket(zone: str, at: datetime) -> None:
    at_ms = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    day, month = Calendar(zone).day_and_month(at_ms)
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    assert day <= at_ms < day + 25 * HOUR_MS
    assert datetime.fromtimestamp(day / 1000, ZoneInfo(zone)).date() == local.date()
    assert datetime.fromtimestamp(month / 1000, ZoneInfo(zone)).date() == local.date().replace(day=1)


@settings(max_examples=100)
@given(st.sampled_from(ZONES), st.dates(date(2019, 1, 1), date(2026, 1, 1)), st.integers(1, 800))
def test_months_and_edge_days_cover_a_period_exactly(zone: str, start: date, days: int) -> None:
    period = Period(start, start + timedelta(days=days), zone)
    cover = covering(period)
    month_ends = {m: calendar(zone).month_start(m + 40 * DAY_MS) for m in cover.months}
    day_ends = {d: calendar(zone).day_start(d + 30 * HOUR_MS) for d in cover.days}
    pieces = sorted({**month_ends, **day_ends}.items())
    assert pieces[0][0] == period.start_ms
    assert pieces[-1][1] == period.end_ms
    assert all(end == following for (_, end), (following, _) in pairwise(pieces))
    assert len(cover.days) <= 60
    assert len(covering(period, days_only=True).days) == days


def test_periods_are_named_by_the_calendar() -> None:
    assert Period.last_months(date(2026, 2, 17), 3, "UTC") == Period(date(2025, 11, 1), date(2026, 2, 1), "UTC")
    assert Period.month_of(date(2025, 12, 31), "UTC") == Period(date(2025, 12, 1), date(2026, 1, 1), "UTC")
    assert Period.last_days(date(2026, 1, 8), 7, "UTC").days == 7


def test_a_series_cuts_a_period_without_gaps_and_the_last_part_may_be_short() -> None:
    period = Period(date(2026, 1, 1), date(2026, 2, 10), "Europe/Athens")
    weeks = split(period, "week")
    assert [w.days for w in weeks] == [7, 7, 7, 7, 7, 5]
    assert [(m.start, m.end) for m in split(period, "month")] == [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 2, 1), date(2026, 2, 10)),
    ]
    assert len(split(period, "day")) == 40


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        Period(date(2026, 1, 1), date(2026, 1, 1), "UTC")
