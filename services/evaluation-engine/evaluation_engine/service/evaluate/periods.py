"""Which periods there are: those of a cycle that are due, and those that somebody asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from civiloop_shared.errors import ValidationError, ValidationFault
from evaluation_engine.domain.buckets import Period, next_month
from evaluation_engine.domain.times import Times, stretch_of
from evaluation_engine.service.catalogue.documents import Cycle

KEEPS_LOOKING = 3
"""How many empty periods after data are still evaluated: they show that nothing arrives any more."""

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_YEAR = re.compile(r"\d{4}")
_LONGEST_DAYS = 366 * 20
_ONE_DAY = timedelta(days=1)


def period_of(cycle: Cycle | Times, day: date, zone: str) -> Period:
    """Return the period of a cycle that a local day lies in; weeks begin on Monday."""
    if isinstance(cycle, Times):
        stretch = stretch_of(cycle, day, zone)
        return Period(stretch.start, stretch.end, zone)
    if cycle is Cycle.MONTHLY:
        return Period.month_of(day, zone)
    if cycle is Cycle.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=7), zone)
    return Period(day, day + _ONE_DAY, zone)


def due_ms(cycle: Cycle | Times, period: Period) -> int:
    """Return when a period of a cycle is evaluated: at its end, or at the stated time of the day after it."""
    if isinstance(cycle, Times):
        return max(period.end_ms, stretch_of(cycle, period.start, period.zone).due_ms)
    return period.end_ms


def due(cycle: Cycle | Times, days: Iterable[date], zone: str, *, complete_until_ms: int, most: int) -> list[Period]:
    """Return the closed periods that are to be evaluated, earliest first, at most ``most`` of the newest.

    A period is closed when everything up to its end is counted. It is due when it has data, or when one of the
    ``KEEPS_LOOKING`` before it has.
    """
    with_data = {period_of(cycle, day, zone) for day in days}
    wanted = set(with_data)
    for period in with_data:
        following = period
        for _ in range(KEEPS_LOOKING):
            following = period_of(cycle, following.end, zone)
            wanted.add(following)
    closed = [period for period in wanted if due_ms(cycle, period) <= complete_until_ms]
    return sorted(closed, key=lambda period: period.start)[-most:]


def asked(text: str, zone: str) -> Period:
    """Return the period of ``YYYY-MM``, ``YYYY`` or ``from/to`` (dates, or instants at local midnight).

    Raises ``ValidationError`` for anything else.
    """
    try:
        return _asked(text, zone)
    except ValueError as error:
        raise _fault(str(error) if isinstance(error, _PeriodError) else _EXPECTED) from None


def day_of(text: str, zone: str) -> date:
    """Return the local day of a date, or of an instant at local midnight. Raises ``ValueError``."""
    if len(text) == 10:
        return date.fromisoformat(text)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise _PeriodError("an instant needs its offset")
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except OverflowError:
        raise _PeriodError(_BOUNDS) from None
    if (local.hour, local.minute, local.second, local.microsecond) != (0, 0, 0, 0):
        raise _PeriodError(f"a period is made of whole days in {zone}")
    return local.date()


_BOUNDS = "must end after it starts, between 1971 and 8999"
_EXPECTED = "must be live, YYYY-MM, YYYY or from/to as two dates"


class _PeriodError(ValueError):
    """A period that can be read and isn't one."""


def _asked(text: str, zone: str) -> Period:
    if match := _MONTH.fullmatch(text):
        month = date(int(match[1]), int(match[2]), 1)
        return bounded(month, next_month(month), zone)
    if _YEAR.fullmatch(text):
        return bounded(date(int(text), 1, 1), date(int(text) + 1, 1, 1), zone)
    first, divider, last = text.partition("/")
    if not divider:
        raise _PeriodError(_EXPECTED)
    return bounded(day_of(first, zone), day_of(last, zone), zone)


def cut_at(as_of: str, zone: str) -> date:
    """Return the local day before which an evaluation looks.

    Raises ``ValidationError`` for an instant within a day, which names the days that it lies between.
    """
    try:
        return day_of(as_of, zone)
    except ValueError:
        raise ValidationError.of(ValidationFault("as_of", _no_cut(as_of, zone))) from None


def _no_cut(as_of: str, zone: str) -> str:
    try:
        instant = datetime.fromisoformat(as_of)
        day = instant.astimezone(ZoneInfo(zone)).date()
        following = day + timedelta(days=1)
    except (ValueError, OverflowError):
        return "must be a date, or an instant at local midnight"
    if instant.tzinfo is None:
        return "an instant needs its offset"
    return (
        f"evaluations look at whole days in {zone}, and this lies within {day}:"
        f" give {day} for what happened before that day, {following} to count it too"
    )


def bounded(first: date, last: date, zone: str) -> Period:
    """Return a period of two days. Raises ``ValueError`` when it is empty or absurdly long."""
    if not (date(1971, 1, 1) <= first < last <= date(8999, 1, 1)):
        raise _PeriodError(_BOUNDS)
    if (last - first).days > _LONGEST_DAYS:
        raise _PeriodError("must not be longer than 20 years")
    return Period(first, last, zone)


def _fault(reason: str) -> ValidationError:
    return ValidationError.of(ValidationFault("period", reason))
