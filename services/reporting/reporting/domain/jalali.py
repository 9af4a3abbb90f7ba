"""The Solar Hijri calendar of Iran and Afghanistan.

After K. Borkowski, "The Persian calendar for 3000 years", Earth, Moon, and Planets 74 (1996), 223-230: leap years
follow from a table of breaks between which the cycle of 33 years holds.
"""

from __future__ import annotations

from datetime import date, timedelta

_BREAKS = (-61, 9, 38, 199, 426, 686, 756, 818, 1111, 1181, 1210, 1635, 2060, 2097, 2192, 2262, 2324, 2394, 2456, 3178)
_YEARS_APART = 621
_LONG_MONTHS = 6


def jalali(day: date) -> tuple[int, int, int]:
    """Return year, month and day of a Gregorian date from 622 to 3799."""
    year = day.year - _YEARS_APART
    first = new_year(year)
    if day < first:
        year -= 1
        first = new_year(year)
    passed = (day - first).days
    if passed < _LONG_MONTHS * 31:
        return year, passed // 31 + 1, passed % 31 + 1
    passed -= _LONG_MONTHS * 31
    return year, passed // 30 + 1 + _LONG_MONTHS, passed % 30 + 1


def new_year(year: int) -> date:
    """Return the Gregorian date of the first day of a year (Nowruz)."""
    gregorian = year + _YEARS_APART
    leaps, before = -14, _BREAKS[0]
    jump = 0
    for after in _BREAKS[1:]:
        jump = after - before
        if year < after:
            break
        leaps += jump // 33 * 8 + jump % 33 // 4
        before = after
    into = year - before
    leaps += into // 33 * 8 + (into % 33 + 3) // 4
    if jump % 33 == 4 and jump - into == 4:
        leaps += 1
    gregorian_leaps = gregorian // 4 - (gregorian // 100 + 1) * 3 // 4 - 150
    return date(gregorian, 3, 1) + timedelta(days=19 + leaps - gregorian_leaps)
