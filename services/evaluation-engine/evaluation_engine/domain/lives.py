"""Who ended when and who was followed for how long, from all start days, and what of it is not known to the ms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from evaluation_engine.domain.cohort import Cohort, Ended, Followed, points, together
from evaluation_engine.domain.journey import FULFILLED
from evaluation_engine.domain.sketch import bin_of, bounds_of

DAY_BY_DAY = 20_000
"""Up to how many ends the start days are told apart; with more the order within a bin moves next to nothing."""


@dataclass(frozen=True)
class Lives:
    """Ends, and how long the others were followed."""

    ends: tuple[Ended, ...]
    open: tuple[Followed, ...]

    @staticmethod
    def of(cohorts: Iterable[Cohort], as_of_ms: int) -> Lives:
        """Of start days, as of an instant: what ended later was still open then."""
        seen = [cohort for cohort in cohorts if cohort.start_ms < as_of_ms]
        observed = max((until for cohort in seen if (until := cohort.observed_until_ms) is not None), default=as_of_ms)
        by_then = [cohort.ends(as_of_ms) for cohort in seen]
        counted = [sum(sums.n for sums in ends.values()) for ends in by_then]
        parts = by_then if sum(counted) <= DAY_BY_DAY else [together(by_then)]
        return Lives(
            tuple(end for part in parts for end in points(part)),
            tuple(one for cohort, n in zip(seen, counted, strict=True) for one in cohort.open(as_of_ms, observed, n)),
        )

    @cached_property
    def known(self) -> bool:
        """Whether every time is known to the millisecond."""
        return all(end.known for end in self.ends) and all(one.least_ms == one.most_ms for one in self.open)

    def at_worst(self, horizon_ms: float, *, late: bool) -> Lives:
        """Fulfilments alone, with everybody else leaving as early, or as late, as may be.

        Within a bin whose fulfilments are not all known, others leave before the first or after the last of them. Who
        leaves early is not at risk later on, so the share not yet fulfilled is never below that of the early lives,
        and never above that of the late ones. All fulfilments in such a bin then weigh the same, so that their mean
        tells everything, except in the bin that the horizon parts.
        """
        fulfilled = [end for end in self.ends if end.cause == FULFILLED]
        loose = {end.bin for end in fulfilled if not end.known}
        parted = bin_of(ceil(horizon_ms))
        edge = bounds_of(parted)[late]
        leaving = [_leaving(end) for end in self.ends if end.cause != FULFILLED]
        return Lives(
            tuple(end._replace(time_ms=edge) if end.bin == parted and not end.known else end for end in fulfilled),
            tuple(_moved(one, loose, late=late) for one in (*leaving, *self.open)),
        )


def _leaving(end: Ended) -> Followed:
    """An end that competes, as it leaves those at risk."""
    if end.known:
        return Followed(end.time_ms, end.n, end.time_ms, end.time_ms)
    return Followed(end.time_ms, end.n, *bounds_of(end.bin))


def _moved(one: Followed, loose: Collection[int], *, late: bool) -> Followed:
    time = one.most_ms if late else one.least_ms
    bin_ = bin_of(ceil(time))
    if bin_ in loose:
        low, high = bounds_of(bin_)
        time = high if late else low - 1
    return one._replace(time_ms=time)
