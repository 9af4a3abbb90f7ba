"""Distributions that a measurement carries: values, how often each was seen, and their bins of at most 1 %."""

from __future__ import annotations

from collections.abc import Sequence

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

    Of each value a day gets its share rounded down; what is left goes to the days in turn, on from value to value, so
    that no day gets more than one too many of all values together where they are equally long.
    """
    whole, turn = sum(lengths), 0
    days: list[list[tuple[int, int]]] = [[] for _ in lengths]
    for milli, count in samples:
        parts = [count * length // whole for length in lengths]
        for _ in range(count - sum(parts)):
            parts[turn] += 1
            turn = (turn + 1) % len(lengths)
        for day, part in zip(days, parts, strict=True):
            if part:
                day.append((milli, part))
    return [tuple(day) for day in days]
