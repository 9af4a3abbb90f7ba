"""Who ended when and who was followed for how long, from all start days, and what of it is not known to the ms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation_engine.domain.cohort import Cohort, Followed, Groups, together
from evaluation_engine.domain.journey import CAUSES, FULFILLED
from evaluation_engine.domain.sketch import EDGES, bin_of, bounds_of, centre_of

DAY_BY_DAY = 20_000
"""Up to how many ends the start days are told apart; with more the order within a bin moves next to nothing."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_CAUSES = tuple(sorted(CAUSES))
_CODE = {cause: code for code, cause in enumerate(_CAUSES)}
_BINS = range(len(EDGES))
_LOW, _HIGH = (np.array([bounds_of(bin_)[side] for bin_ in _BINS], dtype=np.int64) for side in (0, 1))
_CENTRE = np.array([centre_of(bin_) for bin_ in _BINS], dtype=np.int64)


class Ends(NamedTuple):
    """Journeys that ended: one place of the arrays for each time and cause.

    `cause` is a place in the causes in their order; `known` where `time_ms` is that of each of the `n`.
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
        found: Flags = self.cause == _CODE[FULFILLED]
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
        seen = [cohort for cohort in cohorts if cohort.start_ms < as_of_ms]
        observed = max((until for cohort in seen if (until := cohort.observed_until_ms) is not None), default=as_of_ms)
        by_then = [cohort.ends(as_of_ms) for cohort in seen]
        counted = [sum(sums.n for sums in ends.values()) for ends in by_then]
        parts = by_then if sum(counted) <= DAY_BY_DAY else [together(by_then)]
        followed = [one for cohort, n in zip(seen, counted, strict=True) for one in cohort.open(as_of_ms, observed, n)]
        return Lives(_ends(parts), Open.of(followed))

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


def _ends(parts: Iterable[Groups]) -> Ends:
    """The times of ends. Of single ones they follow at once; of several in a bin from their sums."""
    alone: list[tuple[int, int, int, bool]] = []
    several: list[tuple[float, int, int, int, bool]] = []
    for part in parts:
        for (cause, bin_), sums in part.items():
            if sums.n == 1:
                alone.append((bin_, _CODE[cause], sums.first, sums.second != 0))
            else:
                low, high = bounds_of(bin_)
                known = sums.known(narrow=low >= high)
                times = sums.times(centre_of(bin_), low, high)
                several.extend((time, bin_, _CODE[cause], n, known) for time, n in times)
    ones = np.array(alone, dtype=np.int64).reshape(-1, 4).T
    more = np.array(several, dtype=np.float64).reshape(-1, 5).T
    bins = np.concatenate((ones[0], more[1].astype(np.int64)))
    return Ends(
        time_ms=np.concatenate(((_CENTRE[ones[0]] + ones[2]).astype(np.float64), more[0])),
        bin=bins,
        cause=np.concatenate((ones[1], more[2].astype(np.int64))),
        n=np.concatenate((np.ones_like(ones[0]), more[3].astype(np.int64))),
        known=np.concatenate(((ones[3] != 0) | (_LOW >= _HIGH)[ones[0]], more[4] != 0)),
    )
