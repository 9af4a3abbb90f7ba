"""What was published before, and which new number would give a few people away beside it.

Two published numbers of which one contains the other can be subtracted (differencing attack). Periods of one cut are
treated as wholes: publishing `[a, b)` tells how many came before b less how many came before a, so that every
interval between days that published periods connect can be computed, over any number of steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from evaluation_engine.domain.disclosure.tables import MINIMUM, conditions


class Published(NamedTuple):
    """A number of people that was shown: of a KPI of a service, for a cut, from `start` up to but not on `end`."""

    service: str
    kpi: str
    cut: str
    start: date
    end: date
    n: int

    @property
    def subject(self) -> tuple[str, str]:
        """What can be subtracted from each other only where it is the same."""
        return self.service, self.kpi

    def contains(self, other: Published) -> bool:
        """Whether everybody of the other is in this one too."""
        wider = set(conditions(self.cut)) <= set(conditions(other.cut))
        return wider and self.start <= other.start and other.end <= self.end


class Refusal(NamedTuple):
    """Why a number can't be published: beside `earlier` it tells of `difference` people apart."""

    candidate: Published
    earlier: Published
    difference: int

    def __str__(self) -> str:
        if self.candidate == self.earlier:
            return f"fewer than {MINIMUM} people"
        told = f"{self.earlier.cut or 'everybody'}, {self.earlier.start} to {self.earlier.end}"
        return f"differs by {self.difference} people from what was published of {told}"


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A set of whole numbers, one bit each from the least on: there may be many, near each other."""

    least: int
    bits: int

    def plus(self, n: int) -> _Numbers:
        """Each number so much larger."""
        return _Numbers(self.least + n, self.bits)

    def __or__(self, other: _Numbers) -> _Numbers:
        if not other.bits:
            return self
        least = min(self.least, other.least)
        return _Numbers(least, self.bits << (self.least - least) | other.bits << (other.least - least))

    def __contains__(self, n: int) -> bool:
        return n >= self.least and bool(self.bits >> (n - self.least) & 1)

    def __iter__(self) -> Iterator[int]:
        return (self.least + at for at in range(self.bits.bit_length()) if self.bits >> at & 1)


_NONE = _Numbers(0, 0)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that was published; a later number of the same cut and period stands beside the earlier one."""

    entries: tuple[Published, ...] = ()

    def refusal(self, candidate: Published) -> Refusal | None:
        """Why the candidate can't be published, or None. Those of nobody and those already told give nothing away."""
        related = [one for one in self.entries if one.subject == candidate.subject]
        if candidate in related or candidate.n == 0:
            return None
        if candidate.n < MINIMUM:
            return Refusal(candidate, candidate, candidate.n)
        for earlier in related:
            if earlier.contains(candidate) or candidate.contains(earlier):
                difference = abs(earlier.n - candidate.n)
                if 0 < difference < MINIMUM and earlier.n:
                    return Refusal(candidate, earlier, difference)
        same = [one for one in related if one.cut == candidate.cut]
        return _between_days(candidate, same) or _other_ways(candidate, same)


def _between_days(candidate: Published, earlier: list[Published]) -> Refusal | None:
    """Whether a stretch of days with a few people in it can be computed, that could not be before."""
    counts = _counted_from(candidate.start, [*earlier, candidate])
    known = _counted_from(candidate.start, earlier), _counted_from(candidate.end, earlier)
    for (day, before), (following, after) in pairwise(sorted(counts.items())):
        if 0 < abs(after - before) < MINIMUM and not any(day in one and following in one for one in known):
            nearest = min(earlier, key=lambda one: (min(abs(one.start - day), abs(one.end - following)), one))
            return Refusal(candidate, nearest, abs(after - before))
    return None


def _other_ways(candidate: Published, earlier: list[Published]) -> Refusal | None:
    """Whether the same days were counted before, from shorter periods or a longer one less others, but for a few.

    Of each period any edition may be taken: what was late in one of them is in another.
    """
    start, end = candidate.start, candidate.end
    direct = _sums_from(start, [one for one in earlier if one.end <= end]).get(end, _NONE)
    if differs := _few_apart(candidate.n, direct):
        return Refusal(candidate, _nearest(candidate, earlier), differs)
    longer = [one for one in earlier if one.start <= start and end <= one.end]
    first, last = min((one.start for one in longer), default=start), max((one.end for one in longer), default=end)
    before = _sums_up_to(start, [one for one in earlier if one.start >= first])
    after = _sums_from(end, [one for one in earlier if one.end <= last])
    for one in longer:
        for known in before.get(one.start, _NONE):
            if differs := _few_apart(one.n - known - candidate.n, after.get(one.end, _NONE)):
                return Refusal(candidate, one, differs)
    return None


def _few_apart(n: int, others: _Numbers) -> int:
    """By how few people a number differs from one of others; 0 where from none."""
    return next((few for few in range(1, MINIMUM) if n + few in others or n - few in others), 0)


def _nearest(candidate: Published, earlier: Iterable[Published]) -> Published:
    return min(earlier, key=lambda one: (abs(one.start - candidate.start) + abs(one.end - candidate.end), one))


def _sums_from(first: date, published: Iterable[Published]) -> dict[date, _Numbers]:
    """Every number of people that periods one after the other give from a day up to each later one."""
    sums = {first: _Numbers(0, 1)}
    for one in sorted(set(published), key=lambda one: (one.start, one.end)):
        if one.start in sums:
            sums[one.end] = sums[one.start].plus(one.n) | sums.get(one.end, _NONE)
    return sums


def _sums_up_to(last: date, published: Iterable[Published]) -> dict[date, _Numbers]:
    """The same from each earlier day up to one."""
    sums = {last: _Numbers(0, 1)}
    for one in sorted(set(published), key=lambda one: (one.end, one.start), reverse=True):
        if one.end in sums:
            sums[one.start] = sums[one.end].plus(one.n) | sums.get(one.start, _NONE)
    return sums


def _counted_from(first: date, published: Iterable[Published]) -> dict[date, int]:
    """How many people came from a day up to each day that published periods connect it with."""
    steps: dict[date, list[tuple[date, int]]] = {}
    for one in published:
        steps.setdefault(one.start, []).append((one.end, one.n))
        steps.setdefault(one.end, []).append((one.start, -one.n))
    counts, stack = {first: 0}, [first]
    while stack:
        day = stack.pop()
        for other, n in steps.get(day, ()):
            if other not in counts:
                counts[other] = counts[day] + n
                stack.append(other)
    return counts
