"""Flat maps of exact integers: a commutative group, so that what was put in can be taken out.

A zero is the same as an absent measure; zeros are dropped wherever a map is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

Measures = dict[str, int]


def add(into: Measures, other: Mapping[str, int]) -> None:
    """Add `other` to `into` in place."""
    for name, amount in other.items():
        total = into.get(name, 0) + amount
        if total:
            into[name] = total
        else:
            into.pop(name, None)


def subtract(into: Measures, other: Mapping[str, int]) -> None:
    """Take `other` out of `into` in place."""
    for name, amount in other.items():
        total = into.get(name, 0) - amount
        if total:
            into[name] = total
        else:
            into.pop(name, None)


def merge(maps: Iterable[Mapping[str, int]]) -> Measures:
    """Sum of any number of maps."""
    return without_zeros(summed(maps))


def summed(maps: Iterable[Mapping[str, int]]) -> Measures:
    """Sum of any number of maps, zeros and all."""
    total: Measures = {}
    for one in maps:
        if not total:
            total.update(one)
            continue
        for name, amount in one.items():
            if name in total:
                total[name] += amount
            else:
                total[name] = amount
    return total


def without_zeros(measures: Measures) -> Measures:
    """The same map without the names whose amount is zero."""
    return {name: amount for name, amount in measures.items() if amount} if 0 in measures.values() else measures


def difference(new: Mapping[str, int], old: Mapping[str, int]) -> Measures:
    """What has to be added to `old` to get `new`."""
    change: Measures = {}
    for name, amount in new.items():
        step = amount - old.get(name, 0)
        if step:
            change[name] = step
    for name, amount in old.items():
        if amount and name not in new:
            change[name] = -amount
    return change


def canonical(measures: Mapping[str, int]) -> str:
    """The one JSON text of a map: sorted keys, no zeros, no spaces."""
    kept = {name: amount for name, amount in measures.items() if amount}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
