"""Which periods are due, and which are asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.errors import ValidationError
from evaluation_engine.domain.buckets import Period
from evaluation_engine.service.catalogue.documents import Cycle
from evaluation_engine.service.evaluate.periods import KEEPS_LOOKING, asked, cut_at, due, period_of

ZONES = st.sampled_from(["UTC", "Europe/Athens", "Asia/Tehran", "America/St_Johns", "Pacific/Apia"])
DAYS = st.dates(date(2000, 1, 1), date(2030, 12, 31))
FAR = 10**15


@given(st.sampled_from(Cycle), DAYS, ZONES)
def test_a_day_lies_in_one_period_of_its_cycle(cycle: Cycle, day: date, zone: str) -> None:
    period = period_of(cycle, day, zone)
    assert period.start <= day < period.end
    assert period_of(cycle, period.start, zone) == period == period_of(cycle, period.end - timedelta(days=1), zone)
    assert period_of(cycle, period.end, zone).start == period.end


@given(st.sampled_from(Cycle), st.sets(DAYS, max_size=30), st.integers(1, 50))
def test_what_is_due_is_in_order_bounded_and_covers_the_newest_data(cycle: Cycle, days: set[date], most: int) -> None:
    found = due(cycle, days, "UTC", complete_until_ms=FAR, most=most)
    assert len(found) <= most
    assert found == sorted(found, key=lambda one: one.start)
    assert len(set(found)) == len(found)
    if days:
        newest = period_of(cycle, max(days), "UTC")
        assert (newest in found) == (most > KEEPS_LOOKING)


def test_a_period_that_is_not_over_is_not_due() -> None:
    october = Period.month_of(date(2026, 10, 1), "Europe/Athens")
    for late, expected in ((-1, []), (0, [october])):
        found = due(
            Cycle.MONTHLY, [date(2026, 10, 5)], "Europe/Athens", complete_until_ms=october.end_ms + late, most=9
        )
        assert found == expected


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 11, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-10-05/2026-10-12", date(2026, 10, 5), date(2026, 10, 12)),
        ("2026-10-01T00:00:00+03:00/2026-10-31T22:00:00Z", date(2026, 10, 1), date(2026, 11, 1)),
    ],
)
def test_a_period_may_be_asked_for_in_these_ways(text: str, start: date, end: date) -> None:
    assert asked(text, "Europe/Athens") == Period(start, end, "Europe/Athens")


@given(st.text(max_size=40))
def test_any_other_text_is_refused_and_no_crash(text: str) -> None:
    try:
        period = asked(text, "Europe/Athens")
    except ValidationError as error:
        assert error.faults[0].field == "period"
    else:
        assert period.start < period.end


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        (
            "2026-10-10T23:30:00Z",
            "evaluations look at whole days in Europe/Athens, and this lies within 2026-10-11:"
            " give 2026-10-11 for what happened before that day, 2026-10-12 to count it too",
        ),
        ("2026-10-11T10:00", "an instant needs its offset"),
        ("9999-12-31T23:00:00Z", "must be a date, or an instant at local midnight"),
        ("soon", "must be a date, or an instant at local midnight"),
        ("2026-13-01", "must be a date, or an instant at local midnight"),
    ],
)
def test_an_evaluation_as_of_an_instant_within_a_day_is_refused_with_the_days_beside_it(
    as_of: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        cut_at(as_of, "Europe/Athens")

    assert [(one.field, one.reason) for one in refused.value.faults] == [("as_of", reason)]


@pytest.mark.parametrize("as_of", ["2026-10-11", "2026-10-11T00:00:00+03:00", "2026-10-10T21:00:00Z"])
def test_an_evaluation_may_look_from_a_day_or_its_midnight(as_of: str) -> None:
    assert cut_at(as_of, "Europe/Athens") == date(2026, 10, 11)


def test_a_period_at_the_end_of_time_is_refused_like_any_other() -> None:
    with pytest.raises(ValidationError) as refused:
        asked("9999-12-31T23:00:00Z/9999-12-31T23:30:00Z", "Europe/Athens")

    assert "between 1971 and 8999" in refused.value.faults[0].reason
