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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isqrt, sqrt
from typing import NamedTuple

from evaluation_engine.domain.journey import CAUSES
from evaluation_engine.domain.sketch import bin_of

OPEN = "open"
HELD = "held"
HOUR_MS = 3_600_000

_PREFIX = "surv."
_UNTIL = "surv.until."
_POWERS = {"1": 1, "2": 2}
_NAMED = frozenset((*CAUSES, OPEN, HELD))


class Sums(NamedTuple):
    """Number of times, and the sums of their distances from a middle and of the squares of these."""

    n: int = 0
    first: int = 0
    second: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together; only of the same middle."""
        return Sums(self.n + other.n, self.first + other.first, self.second + other.second)

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


class Followed(NamedTuple):
    """Open journeys and how long they were followed, between `least_ms` and `most_ms`."""

    time_ms: float
    n: int
    least_ms: float
    most_ms: float


Groups = Mapping[tuple[str, int], Sums]
"""Times by what they are the end of and the bin or the hour that they lie in."""


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

    @cached_property
    def groups(self) -> Groups:
        """All times."""
        found: dict[tuple[str, int], list[int]] = {}
        for name, amount in self.measures.items():
            group = _group_named(name)
            if group is not None:
                found.setdefault(group[:2], [0, 0, 0])[group[2]] = amount
        return {group: Sums(*sums) for group, sums in found.items() if sums[0]}

    def ends(self, as_of_ms: int) -> Groups:
        """Ends as of then."""
        last = bin_of(as_of_ms - self.start_ms)
        return {end: sums for end, sums in self.groups.items() if end[0] in CAUSES and end[1] <= last}

    @property
    def observed_until_ms(self) -> int | None:
        """Until when imported ones were observed; None where none was imported."""
        return max((int(name[len(_UNTIL) :]) for name in self.measures if name.startswith(_UNTIL)), default=None)

    def open(self, as_of_ms: int, observed_ms: int, ended: int) -> Iterator[Followed]:
        """Those who had not ended as of then, when so many had; imported ones were followed until `observed_ms`.

        Of what has ended since, the start within the day is not known; nor in cuts other than the total and channels.
        """
        imported_ms = min(as_of_ms, observed_ms)
        unknown = self.started - ended
        for (kind, hour), sums in self.groups.items():
            if kind in (OPEN, HELD):
                until = imported_ms if kind == HELD else as_of_ms
                yield from _followed(sums, self.start_ms + hour * HOUR_MS, self.start_ms + (hour + 1) * HOUR_MS, until)
                unknown -= sums.n
        if unknown > 0:
            until = as_of_ms if self.observed_until_ms is None else imported_ms
            yield from _followed(Sums(unknown), self.start_ms, self.end_ms, until)


def _followed(sums: Sums, from_ms: int, to_ms: int, until_ms: int) -> Iterator[Followed]:
    known = sums.known()
    for start_ms, n in sums.times((from_ms + to_ms) // 2, from_ms, to_ms):
        time = max(0.0, until_ms - start_ms)
        least = time if known else max(0.0, until_ms - to_ms)
        yield Followed(time, n, least, time if known else max(time, until_ms - from_ms))


def together(parts: Iterable[Groups]) -> Groups:
    """Ends of several start days, by cause and bin."""
    total: dict[tuple[str, int], Sums] = {}
    for part in parts:
        for end, sums in part.items():
            total[end] = total[end].plus(sums) if end in total else sums
    return total


@lru_cache(maxsize=65_536)
def _group_named(name: str) -> tuple[str, int, int] | None:
    """What a measure stands for: kind, bin or hour, and power."""
    if not name.startswith(_PREFIX):
        return None
    kind, *rest = name[len(_PREFIX) :].split(".")
    if kind not in _NAMED:
        return None
    return kind, int(rest[0]), _POWERS[rest[1]] if len(rest) > 1 else 0
