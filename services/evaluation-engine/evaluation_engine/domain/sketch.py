"""Durations in bins that are at most 1 % wide, so that quantiles merge by addition.

The edges are integers made by integer arithmetic: the same on every machine. Up to 100 ms a bin
is one millisecond; above, each edge is at most 1.01 times the one before. Bin k holds
`EDGES[k-1] < x <= EDGES[k]`. The idea is DDSketch (Masson, Rim, Lee 2019, VLDB 12:2195) without collapse.
"""

from __future__ import annotations

from bisect import bisect_left

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


def middle_of(index: int) -> float:
    """The value that is relatively nearest to everything in the bin: at most `RELATIVE_ERROR` off."""
    low, high = bounds_of(index)
    return 2 * low * high / (low + high) if high else 0.0
