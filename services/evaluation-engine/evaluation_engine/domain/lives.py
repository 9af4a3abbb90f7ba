"""Who ended when and who was followed for how long, from all start days, and what of it is not known to the ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation_engine.domain.cohort import KINDS, Cohort, Flags, Followed, Groups, Ints, StartDays
from evaluation_engine.domain.journey import CAUSES, FULFILLED
from evaluation_engine.domain.sketch import EDGES, bin_of, bounds_of, centre_of

DAY_BY_DAY = 20_000
"""Up to how many ends the start days are told apart; with more the order within a bin moves next to nothing."""

Floats = NDArray[np.float64]

_CAUSES = KINDS[: len(CAUSES)]
_FULFILLED = KINDS.index(FULFILLED)
_BINS = range(len(EDGES))
_LOW, _HIGH = (np.array([bounds_of(bin_)[side] for bin_ in _BINS], dtype=np.int64) for side in (0, 1))
_CENTRE = np.array([centre_of(bin_) for bin_ in _BINS], dtype=np.int64)
_NARROW = _LOW >= _HIGH
_EXACT = 2.0**52


class Ends(NamedTuple):
    """Journeys that ended: one place of the arrays for each time and cause.

    `cause` is a place in `KINDS`; `known` where `time_ms` is that of each of the `n`.
    """

    time_ms: Floats
    bin: Ints
    cause: Ints
    n: Ints
    known: Flags

    def where(self, chosen: Flags | Ints) -> Ends:
        """Some of them, by whether or by where."""
        return Ends(self.time_ms[chosen], self.bin[chosen], self.cause[chosen], self.n[chosen], self.known[chosen])

    def sorted(self) -> Ends:
        """The earliest first; what is sorted already takes no time."""
        return self.where(np.lexsort((self.bin, self.time_ms)).astype(np.int64))

    @property
    def fulfilled(self) -> Flags:
        """Which of them are fulfilments."""
        found: Flags = self.cause == _FULFILLED
        return found

    @property
    def causes(self) -> dict[str, int]:
        """How many ended by each cause that there is."""
        counts = np.bincount(self.cause, self.n, len(_CAUSES)).astype(int).tolist()
        return {cause: n for cause, n in zip(_CAUSES, counts, strict=True) if n}


class Open(NamedTuple):
    """Journeys that were followed for `time_ms`, between `least_ms` and `most_ms`, and then left."""

    time_ms: Floats
    n: Ints
    least_ms: Floats
    most_ms: Floats

    @staticmethod
    def of(followed: Sequence[Followed]) -> Open:
        """One place for each."""
        columns = np.array(followed, dtype=np.float64).reshape(-1, 4).T
        return Open(columns[0], columns[1].astype(np.int64), columns[2], columns[3])


@dataclass(frozen=True, eq=False)
class Lives:
    """Ends, best with the earliest first, and how long the others were followed."""

    ends: Ends
    open: Open

    @staticmethod
    def of(cohorts: Iterable[Cohort], as_of_ms: int) -> Lives:
        """Of start days, as of an instant: what ended later was still open then."""
        days = StartDays.of([cohort for cohort in cohorts if cohort.start_ms < as_of_ms])
        ended = days.ended(as_of_ms)
        open_ = Open.of([*days.open(as_of_ms, ended)])
        return Lives(_ends(ended if ended.n.sum() <= DAY_BY_DAY else ended.together()).sorted(), open_)

    @cached_property
    def known(self) -> bool:
        """Whether every time is known to the millisecond."""
        return bool(self.ends.known.all() and (self.open.least_ms == self.open.most_ms).all())

    def at_worst(self, horizon_ms: float, *, late: bool) -> Lives:
        """Fulfilments alone, with everybody else leaving as early, or as late, as may be.

        Within a bin whose fulfilments are not all known, others leave before the first or after the last of them. Who
        leaves early is not at risk later on, so the share not yet fulfilled is never below that of the early lives,
        and never above that of the late ones. All fulfilments in such a bin then weigh the same, so that their mean
        tells everything, except in the bin that the horizon parts.
        """
        fulfilled = self.ends.where(self.ends.fulfilled)
        others = self.ends.where(~self.ends.fulfilled)
        loose = np.unique(fulfilled.bin[~fulfilled.known])
        parted = bin_of(ceil(horizon_ms))
        unsure = (fulfilled.bin == parted) & ~fulfilled.known
        edge = bounds_of(parted)[late]
        side = _HIGH if late else _LOW
        leaves = np.where(others.known, others.time_ms, side[others.bin])
        time = np.concatenate((leaves, self.open.most_ms if late else self.open.least_ms))
        bins = np.minimum(np.searchsorted(_HIGH, np.ceil(time)), len(EDGES) - 1)
        moved = np.where(np.isin(bins, loose), _HIGH[bins] if late else _LOW[bins] - 1, time)
        n = np.concatenate((others.n, self.open.n))
        return Lives(
            fulfilled._replace(time_ms=np.where(unsure, edge, fulfilled.time_ms)), Open(moved, n, moved, moved)
        )


def _ends(groups: Groups) -> Ends:
    """The times of ends: of single ones they follow at once, of several in a bin from their sums."""
    single = groups.n == 1
    plain = ~single & _plain(groups)
    parts = (_single(groups.where(single)), _several(groups.where(plain)), _large(groups.where(~single & ~plain)))
    columns: Iterator[tuple[NDArray[Any], ...]] = zip(*parts, strict=True)
    return Ends(*(np.concatenate(column) for column in columns))


def _plain(groups: Groups) -> Flags:
    """Where floats hold all numbers on the way to the times, so that arrays give the same ones as integers do."""
    n, first, second = (column.astype(np.float64) for column in groups[3:])
    found: Flags = (n > 1) & (n * n * np.maximum(np.abs(second), first * first) < _EXACT)
    return found


def _single(groups: Groups) -> Ends:
    time = (_CENTRE[groups.place] + groups.first).astype(np.float64)
    known = (groups.second != 0) | _NARROW[groups.place]
    return Ends(time, groups.place, groups.kind, groups.n, known.astype(np.bool_))


def _several(groups: Groups) -> Ends:
    """What `Sums` says of times, for all groups at once."""
    place, n, first, second = groups.place, groups.n, groups.first, groups.second.astype(np.int64)
    scatter = n * second - first * first
    spread = np.maximum(scatter, 0)
    less, more, pair = n // 2, n - n // 2, n == 2
    middle, apart = _CENTRE[place], np.sqrt(spread).astype(np.int64)
    mean = middle + first / n
    early = np.where(pair, middle + (first - apart) / 2, mean - np.sqrt(spread * more / less) / n)
    late = np.where(pair, middle + (first + apart) / 2, mean + np.sqrt(spread * less / more) / n)
    known = np.where(second == 0, _NARROW[place], pair | (n * second == first * first))
    two = (scatter > 0) & (pair | ((early >= _LOW[place]) & (late <= _HIGH[place])))
    halves, whole = np.flatnonzero(two), np.flatnonzero(~two)
    at = np.concatenate((halves, halves, whole))
    return Ends(
        time_ms=np.concatenate((early[halves], late[halves], mean[whole])),
        bin=place[at],
        cause=groups.kind[at],
        n=np.concatenate((less[halves], more[halves], n[whole])),
        known=known[at],
    )


def _large(groups: Groups) -> Ends:
    found: list[tuple[float, int, int, int, bool]] = []
    for bin_, cause, sums in zip(groups.place.tolist(), groups.kind.tolist(), groups.sums(), strict=True):
        low, high = bounds_of(bin_)
        known = sums.known(narrow=low >= high)
        found.extend((time, bin_, cause, n, known) for time, n in sums.times(centre_of(bin_), low, high))
    time, *others = np.fromiter(chain.from_iterable(found), np.float64, 5 * len(found)).reshape(-1, 5).T
    bins, causes, n, knows = (column.astype(np.int64) for column in others)
    return Ends(time, bins, causes, n, knows != 0)
