"""Flat maps of exact integers: a commutative group, so that what was put in can be taken out.

A zero is the same as an absent measure; zeros are dropped wherever a map is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    total: Measures = {}
    for one in maps:
        if total.keys().isdisjoint(one.keys()):  # the first one, and those of other topics
            total.update(one)
            continue
        for name, amount in one.items():
            if name in total:
                total[name] += amount
            else:
                total[name] = amount
    return without_zeros(total)


def merge_apart(maps: Sequence[Measures]) -> Measures:
    """Sum of maps that have most likely no name in common, as those of other topics."""
    total: Measures = {}
    for one in maps:
        total |= one
    return without_zeros(total) if len(total) == sum(map(len, maps)) else merge(maps)


def without_zeros(total: Measures) -> Measures:
    """The same map where it has none, as most have; else another one."""
    return total if all(total.values()) else {name: amount for name, amount in total.items() if amount}


@dataclass(frozen=True, eq=False, slots=True)
class LazySum(Mapping[str, int]):
    """The sum of maps, of which a name is added up when it is asked for: where few are, of large maps."""

    parts: Sequence[Mapping[str, int]]
    _known: Measures = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> int:
        """The sum of one name. Raises `KeyError` where it is zero."""
        if name not in self._known:
            self._known[name] = sum(part[name] for part in self.parts if name in part)
        if not self._known[name]:
            raise KeyError(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        """The names that have a sum."""
        return iter(merge(self.parts))

    def __len__(self) -> int:
        """How many names have a sum."""
        return len(merge(self.parts))


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
