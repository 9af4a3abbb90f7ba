"""A sudden flood: far more on one of the last days than the days before let expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import median

FEWEST = 50
"""A day with fewer events is no flood."""

LIMIT = 8.0
"""Robust standard deviations above the median of the days before."""

LOOKED_AT_DAYS = 7
PAST_DAYS = 28
FEWEST_PAST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Flood:
    """The worst day, what came on it, and what was usual."""

    day: date
    events: int
    usual: float
    deviations: float


def flood(by_day: Mapping[date, int], everyone: Mapping[date, int], last: date) -> Flood | None:
    """Look at the week up to `last` for a day above the four weeks before that week.

    Counts are compared on the scale of twice their root, where chance has about the deviation 1 (Anscombe 1948), and
    scatter is measured by the median absolute deviation. Who has sent on fewer than seven days before is compared with
    `everyone`: a sender who is new may not send more than all together used to.
    """
    week = [last - timedelta(days=n) for n in range(LOOKED_AT_DAYS)]
    worst = max(week, key=lambda day: (by_day.get(day, 0), day))
    events = by_day.get(worst, 0)
    before = _before(by_day, week[-1])
    if sum(n > 0 for n in before) < FEWEST_PAST_DAYS:
        before = _before(everyone, week[-1])
        if sum(n > 0 for n in before) < FEWEST_PAST_DAYS:
            return None
    usual = median(before)
    deviations = (_root(events) - _root(usual)) / max(1.0, _scatter([_root(n) for n in before]))
    return Flood(worst, events, float(usual), deviations) if events >= FEWEST and deviations >= LIMIT else None


def _before(by_day: Mapping[date, int], first: date) -> list[int]:
    """Counts of the four weeks before a day, from the first day with anything on."""
    days = [by_day.get(first - timedelta(days=n), 0) for n in range(PAST_DAYS, 0, -1)]
    start = next((n for n, count in enumerate(days) if count), len(days))
    return days[start:]


def _root(n: float) -> float:
    return 2 * sqrt(n + 0.375)


def _scatter(values: Sequence[float]) -> float:
    middle = median(values)
    return median(abs(value - middle) for value in values) / 0.6745
