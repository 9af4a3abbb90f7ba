"""What a start day knows of its journeys: when they ended and how, and for how long the others were followed.

The measures are sums, so that a changed journey takes out what it put in. Of each group of times there are the number,
the sum of their distances from a middle that is known, and the sum of the squares of these (whole ms):

- `surv.start`: how many started;
- `surv.<cause>.<bin>`, `.1`, `.2`: ends, from the centre of their bin of duration;
- `surv.open.<hour>`, `.1`, `.2`: starts of those still open, from the middle of their hour after the start of the day;
- `surv.held.<hour>`, `.1`, `.2`: the same of imported ones;
- `surv.until.<ms>`: how many were observed until when; imports only.

From these follow one time, two times, and any number of equal ones, to the millisecond. Of three or more that differ
mean and scatter are known. What was counted before there were such sums lies in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isqrt, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation_engine.domain.journey import CAUSES
from evaluation_engine.domain.sketch import EDGES

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

OPEN = "open"
HELD = "held"
HOUR_MS = 3_600_000
KINDS = (*sorted(CAUSES), OPEN, HELD)

_EDGES = np.array(EDGES, dtype=np.int64)
_PREFIX = "surv."
_UNTIL = "until"
_POWERS = 3
_PLACES = 4096
"""More than there are bins or hours."""
_GROUPS = (len(KINDS) + 1) * _PLACES  # a code counts kinds from 1: 0 says nothing


class Sums(NamedTuple):
    """Number of times, and the sums of their distances from a middle and of the squares of these."""

    n: int = 0
    first: int = 0
    second: int = 0

    def times(self, middle: int, low: int, high: int) -> tuple[tuple[float, int], ...]:
        """Times between low and high with how many have each: two with this mean and scatter, else one."""
        scatter = self.n * self.second - self.first * self.first
        mean = middle + self.first / self.n
        if self.n == 2 and scatter > 0:
            apart = isqrt(scatter)
            return (middle + (self.first - apart) / 2, 1), (middle + (self.first + apart) / 2, 1)
        if scatter > 0:
            less, more = self.n // 2, self.n - self.n // 2
            early = mean - sqrt(scatter * more / less) / self.n
            late = mean + sqrt(scatter * less / more) / self.n
            if low <= early and late <= high:
                return (early, less), (late, more)
        return ((mean, self.n),)

    def known(self, *, narrow: bool = False) -> bool:
        """Whether all times follow from the sums; `narrow` where nothing but the middle is possible."""
        if not self.second:
            return narrow
        return self.n <= 2 or self.n * self.second == self.first * self.first


@dataclass(frozen=True, eq=False)
class Cohort:
    """Journeys that started in `[start_ms, end_ms)`, by the measures of that start day."""

    start_ms: int
    end_ms: int
    measures: Mapping[str, int]

    @property
    def started(self) -> int:
        """How many started."""
        return self.measures.get("surv.start", 0)


class Followed(NamedTuple):
    """Open journeys and how long they were followed, between `least_ms` and `most_ms`."""

    time_ms: float
    n: int
    least_ms: float
    most_ms: float


class Groups(NamedTuple):
    """Times of start days: one place of the arrays for each group of a day.

    `day` counts the start days, `kind` is a place in `KINDS`, `place` a bin or an hour. The rest are the `Sums`; those
    of squares are Python's integers where they get past 64 bits.
    """

    day: Ints
    kind: Ints
    place: Ints
    n: Ints
    first: Ints
    second: NDArray[Any]

    def where(self, chosen: Flags) -> Groups:
        """Some of them."""
        return Groups(*(column[chosen] for column in self))

    def together(self) -> Groups:
        """The same of all days, as if these were one."""
        groups, at = np.unique(self.kind * _PLACES + self.place, return_inverse=True)
        columns = (self.n, self.first, self.second.astype(object))
        sums = [np.zeros(groups.size, column.dtype) for column in columns]
        for total, column in zip(sums, columns, strict=True):
            np.add.at(total, at, column)
        return Groups(np.zeros_like(groups), *np.divmod(groups, _PLACES), *sums)

    def sums(self) -> Iterator[Sums]:
        """What is known of each."""
        return map(Sums, self.n.tolist(), self.first.tolist(), self.second.tolist())


@dataclass(frozen=True, eq=False)
class StartDays:
    """Cohorts and their times. `imported` are the days that have imported journeys, observed until an instant."""

    cohorts: Sequence[Cohort]
    groups: Groups
    imported: frozenset[int]
    observed_until_ms: int | None

    @staticmethod
    def of(cohorts: Sequence[Cohort]) -> StartDays:
        """Read the measures of all days in one go: there are some hundred thousand in a year."""
        maps = [cohort.measures for cohort in cohorts]
        sizes = np.array([len(one) for one in maps], dtype=np.int64)
        codes = np.fromiter(map(_CODES.__getitem__, chain.from_iterable(maps)), np.int64, sizes.sum())
        amounts = _integers([*chain.from_iterable(one.values() for one in maps)])
        days = np.repeat(np.arange(len(maps)), sizes)
        timed, until = codes > 0, codes < 0
        return StartDays(
            cohorts,
            _grouped(days[timed], codes[timed], amounts[timed]),
            frozenset(days[until].tolist()),
            -int(codes[until].min()) if until.any() else None,
        )

    def ended(self, as_of_ms: int) -> Groups:
        """Ends as of then."""
        followed = as_of_ms - np.array([cohort.start_ms for cohort in self.cohorts], dtype=np.int64)
        last = np.minimum(np.searchsorted(_EDGES, followed), _EDGES.size - 1)
        return self.groups.where((self.groups.kind < len(CAUSES)) & (self.groups.place <= last[self.groups.day]))

    def open(self, as_of_ms: int, ended: Groups) -> Iterator[Followed]:
        """Those who had not ended as of then; imported ones were followed until they were last observed.

        Of what has ended since, the start within the day is not known; nor in cuts other than the total and channels.
        """
        imported_ms = min(as_of_ms, as_of_ms if self.observed_until_ms is None else self.observed_until_ms)
        still = self.groups.where(self.groups.kind >= len(CAUSES))
        unknown = np.array([cohort.started for cohort in self.cohorts], dtype=np.int64)
        for told in (ended, still):
            np.subtract.at(unknown, told.day, told.n)
        for day, kind, hour, sums in zip(*(column.tolist() for column in still[:3]), still.sums(), strict=True):
            start_ms = self.cohorts[day].start_ms + hour * HOUR_MS
            yield from _followed(sums, start_ms, start_ms + HOUR_MS, imported_ms if KINDS[kind] == HELD else as_of_ms)
        for day, n in enumerate(unknown.tolist()):
            if n > 0:
                cohort, until_ms = self.cohorts[day], imported_ms if day in self.imported else as_of_ms
                yield from _followed(Sums(n), cohort.start_ms, cohort.end_ms, until_ms)


def _followed(sums: Sums, from_ms: int, to_ms: int, until_ms: int) -> Iterator[Followed]:
    known = sums.known()
    for start_ms, n in sums.times((from_ms + to_ms) // 2, from_ms, to_ms):
        time = max(0.0, until_ms - start_ms)
        least = time if known else max(0.0, until_ms - to_ms)
        yield Followed(time, n, least, time if known else max(time, until_ms - from_ms))


def _grouped(days: Ints, codes: Ints, amounts: NDArray[Any]) -> Groups:
    """Put the three sums of each group side by side; a group without a number is none."""
    which, power = np.divmod(codes, _POWERS)
    keys = days * _GROUPS + which
    begins = np.flatnonzero(np.diff(keys, prepend=-1))  # in canonical order the sums of a group are neighbours
    groups, of_run = np.unique(keys[begins], return_inverse=True)
    at = np.repeat(of_run, np.diff(begins, append=keys.size))
    sums = np.zeros((_POWERS, groups.size), dtype=amounts.dtype)
    sums[power, at] = amounts
    day, group = np.divmod(groups, _GROUPS)
    kind, place = np.divmod(group, _PLACES)
    n, first, second = sums
    return Groups(day, kind - 1, place, n.astype(np.int64), first.astype(np.int64), second).where(n != 0)


def _integers(amounts: list[int]) -> NDArray[Any]:
    """Return an array, of Python's integers where one is past 64 bits."""
    try:
        return np.array(amounts, dtype=np.int64)
    except OverflowError:
        return np.array(amounts, dtype=object)


class _Codes(dict[str, int]):
    """Codes by name, each made once: bins and hours are few, and instants, which are many, aren't kept."""

    def __missing__(self, name: str) -> int:
        code = _code(name)
        if code > 0:
            self[name] = code
        return code


_CODES = _Codes()


def _code(name: str) -> int:
    """What a measure says, as one number: kind, bin or hour, and power; an instant is below 0, and 0 is nothing."""
    if not name.startswith(_PREFIX):
        return 0
    kind, *rest = name.removeprefix(_PREFIX).split(".")
    if kind == _UNTIL:
        return -int(rest[0])
    if kind not in KINDS:
        return 0
    group = (KINDS.index(kind) + 1) * _PLACES + int(rest[0])
    return group * _POWERS + (int(rest[1]) if len(rest) > 1 else 0)
