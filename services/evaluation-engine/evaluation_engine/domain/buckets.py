"""Time buckets: minutes and quarter hours in UTC, days and months in a service's own zone.

Instants are integer milliseconds since 1970 UTC, buckets are named by the instant they begin at.
A local day has 23, 24 or 25 hours, and Tehran's midnight is at 20:30 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Grain = Literal["minute", "quarter", "day", "month"]
Every = Literal["day", "week", "month"]

MINUTE_MS = 60_000
QUARTER_MS = 900_000
DAY_MS = 86_400_000
_ONE_DAY = timedelta(days=1)


def quarter_start(at_ms: int) -> int:
    """The UTC quarter hour that `at_ms` lies in."""
    return at_ms - at_ms % QUARTER_MS


def quarters(start_ms: int, end_ms: int) -> range:
    """Starts of the quarter hours that lie wholly or partly in `[start_ms, end_ms)`."""
    return range(quarter_start(start_ms), end_ms, QUARTER_MS)


def window(start_ms: int, end_ms: int) -> list[tuple[Grain, int, int]]:
    """Ranges of minutes and quarter hours whose union is exactly `[start_ms, end_ms)`, which are whole minutes."""
    first, last = -(-start_ms // QUARTER_MS) * QUARTER_MS, quarter_start(end_ms)
    if first > last:
        return [("minute", start_ms, end_ms)]
    ranges: list[tuple[Grain, int, int]] = [
        ("minute", start_ms, first),
        ("quarter", first, last),
        ("minute", last, end_ms),
    ]
    return [one for one in ranges if one[1] < one[2]]


class Calendar:
    """Days and months of one time zone, with what was asked before remembered."""

    __slots__ = ("_near", "_zone", "zone")

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._near: dict[int, tuple[tuple[int, int], ...]] = {}

    def start_of(self, day: date) -> int:
        """First instant of a local date (where midnight is skipped, the instant of the jump)."""
        local = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return round(local.timestamp() * 1000)

    def date_of(self, at_ms: int) -> date:
        """The local date at an instant."""
        return datetime.fromtimestamp(at_ms // 1000, self._zone).date()

    def day_and_month(self, at_ms: int) -> tuple[int, int]:
        """Starts of the local day and the local month that `at_ms` lies in."""
        utc_day = at_ms // DAY_MS
        near = self._near.get(utc_day)
        if near is None:
            near = self._remember(utc_day)
        for found in near:
            if at_ms >= found[0]:
                return found
        return near[-1]

    def day_start(self, at_ms: int) -> int:
        """Start of the local day."""
        return self.day_and_month(at_ms)[0]

    def month_start(self, at_ms: int) -> int:
        """Start of the local month."""
        return self.day_and_month(at_ms)[1]

    def _remember(self, utc_day: int) -> tuple[tuple[int, int], ...]:
        """Local days that can touch a UTC day, latest first."""
        middle = datetime.fromtimestamp(utc_day * DAY_MS / 1000, UTC).date()
        around = (middle + k * _ONE_DAY for k in (2, 1, 0, -1, -2))
        near = tuple((self.start_of(d), self.start_of(d.replace(day=1))) for d in around)
        if len(self._near) > 4096:
            self._near.clear()
        self._near[utc_day] = near
        return near


@lru_cache(maxsize=512)
def calendar(zone: str) -> Calendar:
    """The calendar of a zone, one for the process.

    Raises:
        ZoneInfoNotFoundError: no such IANA zone.
    """
    return Calendar(zone)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days: inclusive start, exclusive end, time zone."""

    start: date
    end: date
    zone: str

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period ends after it starts: {self.start} to {self.end}")

    @property
    def start_ms(self) -> int:
        """First instant."""
        return calendar(self.zone).start_of(self.start)

    @property
    def end_ms(self) -> int:
        """First instant after the period."""
        return calendar(self.zone).start_of(self.end)

    @property
    def days(self) -> int:
        """Number of local days."""
        return (self.end - self.start).days

    @staticmethod
    def month_of(day: date, zone: str) -> Period:
        """The calendar month that a day lies in."""
        first = day.replace(day=1)
        return Period(first, next_month(first), zone)

    @staticmethod
    def last_days(end: date, days: int, zone: str) -> Period:
        """The `days` days before `end` (exclusive)."""
        return Period(end - timedelta(days=days), end, zone)

    @staticmethod
    def last_months(end: date, months: int, zone: str) -> Period:
        """The `months` calendar months that end before the first of the month of `end`."""
        stop = end.replace(day=1)
        index = stop.year * 12 + stop.month - 1 - months
        return Period(date(index // 12, index % 12 + 1, 1), stop, zone)


def next_month(day: date) -> date:
    """First day of the month after the one `day` lies in."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Cover:
    """Buckets whose union is exactly one period."""

    months: tuple[int, ...]
    days: tuple[int, ...]

    def pairs(self) -> Iterator[tuple[Grain, int]]:
        """Every bucket as (grain, start)."""
        for start in self.months:
            yield "month", start
        for start in self.days:
            yield "day", start


@lru_cache(maxsize=4096)
def covering(period: Period, *, days_only: bool = False) -> Cover:
    """Whole months, and the days at the edges, that make up a period.

    `days_only` is for survival tables, whose censoring needs the start day.
    """
    in_zone = calendar(period.zone)
    months: list[int] = []
    days: list[int] = []
    day = period.start
    while day < period.end:
        following = next_month(day)
        if day.day == 1 and following <= period.end and not days_only:
            months.append(in_zone.start_of(day))
            day = following
        else:
            days.append(in_zone.start_of(day))
            day += _ONE_DAY
    return Cover(tuple(months), tuple(days))


def split(period: Period, every: Every) -> list[Period]:
    """A period cut into days, weeks (seven days from its start) or calendar months; the last may be short."""
    parts: list[Period] = []
    start = period.start
    while start < period.end:
        end = min(_after(start, every), period.end)
        parts.append(Period(start, end, period.zone))
        start = end
    return parts


def _after(start: date, every: Every) -> date:
    if every == "month":
        return next_month(start)
    return start + timedelta(days=7 if every == "week" else 1)
