"""The shares of many facts, netted and spread over the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.contribution.address import Address, Cell, Share, minutes_of, quarters_of

K = TypeVar("K")


class Batch:
    """Nets the shares of many facts, then spreads what is left over the cells.

    Minutes that begin before `minutes_from_ms` are left out.
    """

    __slots__ = ("_changes", "_minutes_from_ms")

    def __init__(self, *, minutes_from_ms: int = 0) -> None:
        self._changes: dict[Address, Measures] = {}
        self._minutes_from_ms = minutes_from_ms

    def change(self, old: Iterable[Share], new: Iterable[Share]) -> None:
        """Take the old shares of a fact out and put the new ones in."""
        for address, measures in new:
            self._add(address, measures, 1)
        for address, measures in old:
            self._add(address, measures, -1)

    def _add(self, address: Address, measures: Mapping[str, int], sign: int) -> None:
        if address.minute is not None and address.minute < self._minutes_from_ms:
            address = Address(*address[:4])
        into = self._changes.get(address)
        if into is None:
            into = self._changes[address] = {}
        for name, amount in measures.items():
            into[name] = into.get(name, 0) + sign * amount

    def cells(self, *, quarters_from_ms: int = 0) -> dict[Cell, Measures]:
        """Change of every cell, zeros dropped; quarter hours that begin before `quarters_from_ms` are left out.

        Quarter hours are summed to days before they are spread over the cuts: the cells of `cells_of`, with far fewer
        additions.
        """
        found: dict[Cell, Measures] = {}
        days: dict[tuple[str, tuple[str, ...], int], Measures] = {}
        for address, changes in self._changes.items():
            kept = {name: amount for name, amount in changes.items() if amount}
            for cell in quarters_of(address, quarters_from_ms=quarters_from_ms):
                _merge_into(found, cell, kept)
            for cell, part in minutes_of(address, kept):
                _merge_into(found, cell, part)
            _merge_into(days, (address.service, address.cuts, address.day), kept)
        for (service, cuts, day), kept in days.items():
            for cut in cuts:
                _merge_into(found, Cell(service, cut, "day", day), kept)
        return {cell: measures for cell, measures in found.items() if measures}


def _merge_into(found: dict[K, Measures], cell: K, change: Measures) -> None:
    into = found.get(cell)
    if into is None:
        found[cell] = change.copy()
        return
    for name, amount in change.items():
        total = into.get(name, 0) + amount
        if total:
            into[name] = total
        else:
            del into[name]
