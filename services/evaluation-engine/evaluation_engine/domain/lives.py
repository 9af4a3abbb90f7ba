"""Who ended when and who was followed for how long, from all start days, and what of it is not known to the ms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import ceil
from typing import NamedTuple

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
    """Ends, and how long the others were followed."""

    ends: Ends
    open: Open

    @staticmethod
    def of(cohorts: Iterable[Cohort], as_of_ms: int) -> Lives:
        """Of start days, as of an instant: what ended later was still open then."""
        days = StartDays.of([cohort for cohort in cohorts if cohort.start_ms < as_of_ms])
        ended = days.ended(as_of_ms)
        open_ = Open.of([*days.open(as_of_ms, ended)])
        return Lives(_ends(ended if ended.n.sum() <= DAY_BY_DAY else ended.together()), open_)

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
    """The times of ends. Of single ones they follow at once; of several in a bin from their sums."""
    ones = groups.where(groups.n == 1)
    several = groups.where(groups.n != 1)
    found: list[tuple[float, int, int, int, bool]] = []
    for bin_, cause, sums in zip(several.place.tolist(), several.kind.tolist(), several.sums(), strict=True):
        low, high = bounds_of(bin_)
        known = sums.known(narrow=low >= high)
        found.extend((time, bin_, cause, n, known) for time, n in sums.times(centre_of(bin_), low, high))
    more = np.fromiter(chain.from_iterable(found), np.float64, 5 * len(found)).reshape(-1, 5).T
    return Ends(
        time_ms=np.concatenate(((_CENTRE[ones.place] + ones.first).astype(np.float64), more[0])),
        bin=np.concatenate((ones.place, more[1].astype(np.int64))),
        cause=np.concatenate((ones.kind, more[2].astype(np.int64))),
        n=np.concatenate((ones.n, more[3].astype(np.int64))),
        known=np.concatenate(((ones.second != 0) | (_LOW >= _HIGH)[ones.place], more[4] != 0)),
    )
