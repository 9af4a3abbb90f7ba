from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.domain.jalali import jalali, new_year


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1354, date(1975, 3, 21)),
        (1358, date(1979, 3, 21)),
        (1375, date(1996, 3, 20)),
        (1399, date(2020, 3, 20)),
        (1400, date(2021, 3, 21)),
        (1403, date(2024, 3, 20)),
        (1404, date(2025, 3, 21)),
        (1405, date(2026, 3, 21)),
        (1408, date(2029, 3, 20)),
        (1409, date(2030, 3, 21)),
    ],
)
def test_the_year_begins_when_the_calendar_of_iran_says_so(year: int, day: date) -> None:
    assert new_year(year) == day


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(1979, 2, 11), (1357, 11, 22)),
        (date(2025, 3, 20), (1403, 12, 30)),
        (date(2026, 10, 1), (1405, 7, 9)),
        (date(2026, 11, 24), (1405, 9, 3)),
    ],
)
def test_known_days_have_their_known_names(day: date, expected: tuple[int, int, int]) -> None:
    assert jalali(day) == expected


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_a_day_follows_the_day_before(day: date) -> None:
    year, month, number = jalali(day)
    following = jalali(day + timedelta(days=1))

    assert following in {(year, month, number + 1), (year, month + 1, 1), (year + 1, 1, 1)}
    assert number <= (31 if month <= 6 else 30)
