"""Evaluation times: a cron expression in a time zone, with holidays.

An evaluation covers the whole local days since the one before: from the day of the last time up to, and without, the
day of this one. Numbers are kept by day, so there is at most one evaluation a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from evaluation_engine.domain.buckets import calendar
from evaluation_engine.domain.instants import ms_of

_ONE_DAY = timedelta(days=1)
_ONE_TIME = re.compile(r"\d{1,2} \d{1,2} \S+ \S+ \S+")
_MOST_SKIPPED = 1000
_SOME_DAY = datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Times:
    """When a service is evaluated. A time on a holiday is moved to the next day that is none, or left out."""

    cron: str
    zone: str
    holidays: frozenset[date] = frozenset()
    on_holiday: Literal["next_day", "skip"] = "next_day"

    @property
    def value(self) -> str:
        """Name the cycle: a holiday more doesn't make it another one."""
        return f"{self.cron} {self.zone}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days between two evaluation times, and the instant of the second."""

    start: date
    end: date
    due_ms: int


def fault_of(cron: str) -> str | None:
    """Return why an expression can't be used, or None."""
    if not _ONE_TIME.fullmatch(cron):
        return "must be minute, hour, day, month, weekday, with one minute and one hour: at most one evaluation a day"
    try:
        next(CronSim(cron, _SOME_DAY))
    except (CronSimError, StopIteration) as error:
        return f"is no cron expression that ever comes: {error}"
    return None


@lru_cache(maxsize=8192)
def stretch_of(times: Times, day: date, zone: str) -> Stretch:
    """Return the stretch that a local day of ``zone`` lies in. Raises ``ValueError`` where no time is near it."""
    in_zone = calendar(zone)
    end_of_day = datetime.fromtimestamp(in_zone.start_of(day + _ONE_DAY) / 1000, ZoneInfo(times.zone))
    for raw in _ticks(times, end_of_day, back=True):
        moved = _moved(times, raw)
        if moved is None or (start := _date(moved, zone)) > day:
            continue
        for following in _ticks(times, raw, back=False):
            later = _moved(times, following)
            if later is not None and (end := _date(later, zone)) > day:
                return Stretch(start, end, ms_of(later))
        break
    raise ValueError(f"no evaluation time is near {day}")


def _ticks(times: Times, start: datetime, *, back: bool) -> Iterator[datetime]:
    """Yield the times before or after an instant, holidays too."""
    try:
        yield from islice(CronSim(times.cron, start, reverse=back), _MOST_SKIPPED)
    except CronSimError as error:
        raise ValueError(str(error)) from error


def _moved(times: Times, tick: datetime) -> datetime | None:
    if times.on_holiday == "skip":
        return None if tick.date() in times.holidays else tick
    while tick.date() in times.holidays:
        tick += _ONE_DAY
    return tick


def _date(tick: datetime, zone: str) -> date:
    return calendar(zone).date_of(ms_of(tick))
