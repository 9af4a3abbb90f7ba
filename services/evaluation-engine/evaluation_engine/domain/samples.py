"""Distributions that a measurement carries: values, how often each was seen, and their bins of at most 1 %."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.sketch import bin_of

Samples = tuple[tuple[int, int], ...]
"""Values in thousandths of their unit and how often each was seen, smallest value first."""


def merged(pairs: Sequence[tuple[int, int]]) -> Samples:
    """The same samples with every value once."""
    found: dict[int, int] = {}
    for milli, count in pairs:
        found[milli] = found.get(milli, 0) + count
    return tuple(sorted(found.items()))


def moments_of(name: str, samples: Samples) -> Measures:
    """One report; number, sum and sum of squares of its samples, exact; and how many lie in each bin of thousandths."""
    head = f"m.{name}"
    found: Measures = {
        f"{head}.n": 1,
        f"{head}.samples": sum(count for _, count in samples),
        f"{head}.sum": sum(count * milli for milli, count in samples),
        f"{head}.sumsq": sum(count * milli * milli for milli, count in samples),
    }
    for milli, count in samples:
        bin_ = f"{head}.{bin_of(milli)}"
        found[bin_] = found.get(bin_, 0) + count
    return found


def over_days(samples: Samples, lengths: Sequence[int]) -> list[Samples]:
    """Divide samples among days by the time that lies in each: whole samples, and together all of them.

    Of each value a day gets its share rounded down; what is left goes to the days that are owed most, of this value and
    all before it: so the number of samples of a day is nearly right, however rare each value is.
    """
    whole = sum(lengths)
    days: list[list[tuple[int, int]]] = [[] for _ in lengths]
    owed = [0] * len(lengths)
    for milli, count in samples:
        parts = [count * length // whole for length in lengths]
        owed = [debt + count * length - part * whole for debt, length, part in zip(owed, lengths, parts, strict=True)]
        for most in nlargest(count - sum(parts), range(len(lengths)), key=owed.__getitem__):
            parts[most] += 1
            owed[most] -= whole
        for day, part in zip(days, parts, strict=True):
            if part:
                day.append((milli, part))
    return [tuple(day) for day in days]
