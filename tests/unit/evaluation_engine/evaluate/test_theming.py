from datetime import date

from evaluation_engine.domain.buckets import Period
from evaluation_engine.service.evaluate.theming import MOST_BEFORE, periods_before

ATHENS = "Europe/Athens"


def before(start: date, end: date) -> list[tuple[date, date]]:
    return [(one.start, one.end) for one in periods_before(Period(start, end, ATHENS))]


def test_a_month_is_compared_with_calendar_months() -> None:
    found = before(date(2026, 2, 1), date(2026, 3, 1))

    assert len(found) == MOST_BEFORE
    assert found[:3] == [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2025, 12, 1), date(2026, 1, 1)),
        (date(2025, 11, 1), date(2025, 12, 1)),
    ]


def test_a_quarter_is_compared_with_quarters_and_a_year_with_years() -> None:
    assert before(date(2026, 1, 1), date(2026, 4, 1))[0] == (date(2025, 10, 1), date(2026, 1, 1))
    assert before(date(2026, 1, 1), date(2027, 1, 1))[0] == (date(2025, 1, 1), date(2026, 1, 1))


def test_any_other_period_is_compared_with_as_many_days() -> None:
    found = before(date(2026, 11, 3), date(2026, 11, 10))

    assert found[0] == (date(2026, 10, 27), date(2026, 11, 3))
    assert found[-1] == (date(2026, 8, 11), date(2026, 8, 18))


def test_nothing_before_1971_is_looked_at() -> None:
    assert len(before(date(1975, 1, 1), date(1976, 1, 1))) == 4
