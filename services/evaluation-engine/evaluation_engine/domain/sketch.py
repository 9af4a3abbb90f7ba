"""Durations in bins that are at most 1 % wide, so that quantiles merge by addition.

The edges are integers made by integer arithmetic: the same on every machine. Up to 100 ms a bin
is one millisecond; above, each edge is at most 1.01 times the one before. Bin k holds
`EDGES[k-1] < x <= EDGES[k]`. The idea is DDSketch (Masson, Rim, Lee 2019, VLDB 12:2195) without collapse.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from evaluation_engine.domain.intervals import Bounds, Ranks, quantile_ranks

LONGEST_MS = 200 * 366 * 86_400_000
RELATIVE_ERROR = 0.01 / 2.01


def _edges() -> tuple[int, ...]:
    edges = [0]
    while edges[-1] < LONGEST_MS:
        edges.append(max(edges[-1] + 1, edges[-1] * 101 // 100))
    return tuple(edges)


EDGES = _edges()


def bin_of(duration_ms: int) -> int:
    """The bin a duration lies in; what is longer than 200 years lies in the last."""
    return min(bisect_left(EDGES, duration_ms), len(EDGES) - 1)


def bounds_of(index: int) -> tuple[int, int]:
    """Smallest and largest whole number of milliseconds in a bin."""
    return (EDGES[index - 1] + 1 if index else 0), EDGES[index]


def _middle(low: int, high: int) -> float:
    return 2 * low * high / (low + high) if high else 0.0


_MIDDLES = tuple(_middle(*bounds_of(index)) for index in range(len(EDGES)))


def middle_of(index: int) -> float:
    """The value that is relatively nearest to everything in the bin: at most `RELATIVE_ERROR` off."""
    return _MIDDLES[index]


def centre_of(index: int) -> int:
    """The whole number of ms that durations in a bin are measured from."""
    low, high = bounds_of(index)
    return (low + high) // 2


@lru_cache(maxsize=32)
def _bins(prefix: str) -> Mapping[str, int]:
    """The bins by what measures of them are called."""
    return {f"{prefix}.{index}": index for index in range(len(EDGES))}


@dataclass(frozen=True)
class Sketch:
    """How many durations lie in each bin, smallest bin first."""

    counts: tuple[tuple[int, int], ...]

    @staticmethod
    def of(measures: Mapping[str, int], prefix: str) -> Sketch:
        """The bins among measures named `prefix.<bin>`."""
        return Sketch.of_all((measures,), prefix)

    @staticmethod
    def of_all(parts: Iterable[Mapping[str, int]], prefix: str) -> Sketch:
        """The bins of the sum of measures."""
        bins = _bins(prefix)
        counts: dict[int, int] = {}
        for measures in parts:
            for name, n in measures.items():
                if name in bins:
                    index = bins[name]
                    counts[index] = counts.get(index, 0) + n
        return Sketch(tuple(sorted((index, n) for index, n in counts.items() if n > 0)))

    @cached_property
    def n(self) -> int:
        """Number of durations."""
        return sum(n for _, n in self.counts)

    def within(self, limit: float) -> int:
        """Number of durations up to a limit, at which it is exact to half a bin."""
        return sum(n for index, n in self.counts if _MIDDLES[index] <= limit)

    def at_rank(self, rank: int) -> int:
        """The bin of the rank-th smallest duration (1 is the smallest)."""
        seen = 0
        for index, n in self.counts:
            seen += n
            if seen >= rank:
                return index
        raise IndexError(f"rank {rank} of {seen}")

    def quantile(self, q: float) -> float | None:
        """The q-quantile, between the two nearest order statistics as numpy and pandas do it.

        At most `RELATIVE_ERROR` from the quantile of the raw values (Hyndman, Fan 1996, type 7).
        """
        n = self.n
        if n == 0:
            return None
        place = (n - 1) * q
        below = min(int(place), n - 1)
        low = middle_of(self.at_rank(below + 1))
        if place == below:
            return low
        return low + (place - below) * (middle_of(self.at_rank(below + 2)) - low)

    def quantile_bounds(self, q: float, level: float) -> Bounds:
        """Order statistics around the q-quantile, widened to the edges of their bins."""
        return self.between(quantile_ranks(self.n, q, level))

    def between(self, ranks: Ranks) -> Bounds:
        """From one order statistic to another, widened to the edges of their bins."""
        low = bounds_of(self.at_rank(ranks.low))[0] if ranks.low else 0
        return Bounds(low, bounds_of(self.at_rank(ranks.high))[1] if ranks.high else None)
