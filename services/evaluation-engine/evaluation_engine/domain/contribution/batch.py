"""The shares of many facts, netted; written down as they are, and spread over their cells later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import orjson

from evaluation_engine.domain.accumulator import Measures, add, without_zeros
from evaluation_engine.domain.contribution.address import Address, Cell, Share, minutes_of, quarters_of

K = TypeVar("K")


class Batch:
    """Nets the shares of many facts. Quarter hours and minutes that begin before the limits are left out."""

    __slots__ = ("_changes", "_minutes", "_minutes_from_ms", "_quarters_from_ms")

    def __init__(self, *, quarters_from_ms: int = 0, minutes_from_ms: int = 0) -> None:
        self._changes: dict[Address, Measures] = {}
        self._minutes: dict[Cell, Measures] = {}
        self._quarters_from_ms = quarters_from_ms
        self._minutes_from_ms = minutes_from_ms

    def change(self, old: Iterable[Share], new: Iterable[Share]) -> None:
        """Take the old shares of a fact out and put the new ones in."""
        for address, measures in new:
            self._add(address, measures, 1)
        for address, measures in old:
            self._add(address, measures, -1)

    def written(self) -> dict[str, str]:
        """Return what is left of each service as JSON text, which `take` reads.

        Shares that go to the same cells but for their quarter hour name their cuts once: `cuts` lists them, a share is
        `[place in cuts, day, quarter hour or null, measures]`. What is kept by the minute is spread: `[cut, minute,
        measures]`.
        """
        found: dict[str, dict[str, Any]] = {}
        places: dict[tuple[str, tuple[str, ...]], int] = {}
        for (service, cuts, quarter, day, *_), changes in self._changes.items():
            kept = without_zeros(changes)
            if not kept:
                continue
            document = found.get(service)
            if document is None:
                document = found[service] = {"cuts": [], "shares": []}
            place = places.get((service, cuts))
            if place is None:
                place = places[service, cuts] = len(document["cuts"])
                document["cuts"].append(cuts)
            document["shares"].append((place, day, quarter, kept))
        for cell, changes in self._minutes.items():
            if kept := without_zeros(changes):
                document = found.setdefault(cell.service, {"cuts": [], "shares": []})
                document.setdefault("minutes", []).append((cell.cut, cell.bucket_start_ms, kept))
        return {service: _encode(document) for service, document in found.items()}

    def take(self, service: str, text: str) -> set[int]:
        """Add what was written down of a service; return the starts of the days that it changed.

        The standard parser: orjson makes floats of integers past 64 bits.
        """
        document = json.loads(text)
        cuts = [tuple(one) for one in document["cuts"]]
        for place, day, quarter, measures in document["shares"]:
            self._add(Address(service, cuts[place], quarter, day), measures, 1)
        for cut, minute, measures in document.get("minutes", ()):
            if minute >= self._minutes_from_ms:
                _add_into(self._minutes, Cell(service, cut, "minute", minute), measures)
        return _days(document)

    def cells(self) -> dict[Cell, Measures]:
        """Change of every cell, zeros dropped.

        Quarter hours are summed to days before they are spread over the cuts: the cells of `cells_of`, with far fewer
        additions.
        """
        found: dict[Cell, Measures] = {cell: without_zeros(changes) for cell, changes in self._minutes.items()}
        days: dict[tuple[str, tuple[str, ...], int], Measures] = {}
        for address, changes in self._changes.items():
            kept = without_zeros(changes)
            for cell in quarters_of(address):
                _merge_into(found, cell, kept)
            _merge_into(days, (address.service, address.cuts, address.day), kept)
        for (service, cuts, day), kept in days.items():
            for cut in cuts:
                _merge_into(found, Cell(service, cut, "day", day), kept)
        return {cell: measures for cell, measures in found.items() if measures}

    def _add(self, address: Address, measures: Mapping[str, int], sign: int) -> None:
        minute, quarter = address.minute, address.quarter
        if minute is not None:
            if minute >= self._minutes_from_ms:
                for cell, part in minutes_of(address, measures):
                    _add_into(self._minutes, cell, part, sign)
            address = Address(*address[:4])
        if quarter is not None and quarter < self._quarters_from_ms:
            address = Address(address.service, address.cuts, None, address.day)
        _add_into(self._changes, address, measures, sign)


def days_of(text: str) -> set[int]:
    """Return the starts of the days that a text which was written down changes."""
    return _days(json.loads(text))


def _days(document: Mapping[str, Any]) -> set[int]:
    return {day for _, day, _, _ in document["shares"]}


def _add_into(found: dict[K, Measures], at: K, measures: Mapping[str, int], sign: int = 1) -> None:
    into = found.get(at)
    if into is None:
        into = found[at] = {}
    for name, amount in measures.items():
        into[name] = into.get(name, 0) + sign * amount


def _merge_into(found: dict[K, Measures], cell: K, change: Measures) -> None:
    into = found.get(cell)
    if into is None:
        found[cell] = change.copy()
    else:
        add(into, change)


def _encode(document: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(document).decode()
    except TypeError:  # a sum of squares past 64 bits
        return json.dumps(document, separators=(",", ":"))
