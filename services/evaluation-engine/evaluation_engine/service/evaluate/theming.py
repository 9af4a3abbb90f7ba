"""What themes read: the total of a period and of those before it, and what was said in each language."""

from __future__ import annotations

from datetime import date, timedelta

from civiloop_shared.contracts.evaluations import ThemeResult
from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import Period, next_month
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.comments.summary import summarise
from evaluation_engine.service.evaluate.readings import Readings, Shopping
from evaluation_engine.service.evaluate.yardstick import Yardstick

MOST_BEFORE = 12
"""How many earlier periods say how much the share of a theme varies by itself; at least six must have comments."""

_EARLIEST = date(1971, 1, 1)
_LANGUAGE = "language"


def periods_before(period: Period) -> tuple[Period, ...]:
    """Return the periods before, the last one first: as many calendar months, or as many days."""
    found: list[Period] = []
    while len(found) < MOST_BEFORE and (period := _before(period)).start >= _EARLIEST:
        found.append(period)
    return tuple(found)


def shop_themes(shopping: Shopping, yardstick: Yardstick, period: Period) -> None:
    """Read what `themes_of` looks at."""
    shopping.period(period, ["", *yardstick.cuts_by(_LANGUAGE)])
    for earlier in periods_before(period):
        shopping.period(earlier, [""])


def measures_before(readings: Readings, period: Period, book: ThemeBook) -> tuple[Measures, ...]:
    """Return the totals of the periods before."""
    return tuple(book.counted(readings.total(earlier, "")) for earlier in periods_before(period))


def themes_of(readings: Readings, yardstick: Yardstick, period: Period, book: ThemeBook) -> tuple[ThemeResult, ...]:
    """Return the themes of a period."""
    by_language = {
        cut.partition("=")[2]: book.counted(readings.total(period, cut)) for cut in yardstick.cuts_by(_LANGUAGE)
    }
    now = book.counted(readings.total(period, ""))
    return summarise(now, measures_before(readings, period, book), by_language, book.titles)


def _before(period: Period) -> Period:
    if period.start.day == period.end.day == 1:
        months, month = 0, period.start
        while month < period.end:
            months, month = months + 1, next_month(month)
        year, index = divmod(period.start.year * 12 + period.start.month - 1 - months, 12)
        return Period(period.start.replace(year=year, month=index + 1), period.start, period.zone)
    return Period(period.start - timedelta(days=period.days), period.start, period.zone)
