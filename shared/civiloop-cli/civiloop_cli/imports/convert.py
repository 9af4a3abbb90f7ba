"""One row into the items that are posted: pure, the same row always gives the same items."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from civiloop_cli.imports.cells import CellFault, Row, value_of
from civiloop_cli.imports.mapping import Cell, EventMapping, FeedbackMapping, JourneyMapping, Mapping, Times, cells_of
from civiloop_cli.imports.rejects import Rejected
from civiloop_cli.imports.rows import SourceRow

_LONGEST_ID = 200
_REMEMBERED = 500_000

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a row gives: items to post, or the reasons why it gives none. ``repeated`` items were given before."""

    row: SourceRow
    items: tuple[Item, ...] = ()
    faults: tuple[Rejected, ...] = ()
    repeated: int = 0


class Converter:
    """Converts the rows of one file. An item that several rows tell of (the start of a case) is given once.

    What was given is remembered for the last half million items; one that comes back later is posted again, and the
    platform knows it by its id.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._reader = _JourneyReader(mapping) if isinstance(mapping, JourneyMapping) else _FeedbackReader(mapping)
        self._given: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()

    def convert(self, row: SourceRow) -> Converted:
        """Return the items of a row. A row is taken whole or not at all."""
        if row.fault:
            return Converted(row, faults=(Rejected(row.number, "", row.fault),))
        faults: list[CellFault] = []
        items = self._reader.items(row.values, faults)
        fresh = [] if faults else [item for item in items if self._is_new(item, row, faults)]
        if faults:
            unique = dict.fromkeys((fault.field, fault.reason) for fault in faults)
            return Converted(row, faults=tuple(Rejected(row.number, *fault) for fault in unique))
        for item in fresh:
            self._remember(item, row.number)
        return Converted(row, tuple(fresh), repeated=len(items) - len(fresh))

    def forget(self, item: Item) -> None:
        """Give an item again when another row tells of it: the row that gave it was not taken."""
        self._given.pop(_digest(item["id"]), None)

    def _is_new(self, item: Item, row: SourceRow, faults: list[CellFault]) -> bool:
        known = self._given.get(_digest(item["id"]))
        if known is None:
            return True
        if known[0] != _digest(item):
            faults.append(CellFault("id", f"row {known[1]} has the same id and says something else"))
        return False

    def _remember(self, item: Item, number: int) -> None:
        self._given[_digest(item["id"])] = (_digest(item), number)
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()


class _JourneyReader:
    """Reads the events that a row tells of."""

    def __init__(self, mapping: JourneyMapping) -> None:
        self._mapping = mapping
        self._shared = dict(cells_of(mapping.fields))
        self._events = [(event, dict(cells_of(event))) for event in mapping.events]

    def items(self, row: Row, faults: list[CellFault]) -> list[Item]:
        """Return one item an event; what can't be read is added to ``faults``."""
        shared = _read(self._shared, row, self._mapping.times, faults)
        _require(shared, ("service", "journey_id"), self._shared, faults)
        return [
            self._item(event, cells, row, shared, faults)
            for event, cells in self._events
            if event.only_when is None or row.get(event.only_when, "").strip()
        ]

    def _item(
        self, event: EventMapping, cells: dict[str, Cell], row: Row, shared: Item, faults: list[CellFault]
    ) -> Item:
        own = _read(cells, row, self._mapping.times, faults)
        _require(own, ("occurred_at",), cells, faults)
        identity = {"id": _identity(event.label, event.id, row, faults), "source": self._mapping.source}
        return {**identity, "kind": event.kind.value, **shared, **own}


class _FeedbackReader:
    """Reads the one answer of a row."""

    def __init__(self, mapping: FeedbackMapping) -> None:
        self._mapping = mapping
        self._cells = dict(cells_of(mapping.fields))

    def items(self, row: Row, faults: list[CellFault]) -> list[Item]:
        """Return the answer; what can't be read is added to ``faults``."""
        fields = _read(self._cells, row, self._mapping.times, faults)
        _require(fields, ("service", "channel", "occurred_at"), self._cells, faults)
        return [{"id": _identity("", self._mapping.id, row, faults), "source": self._mapping.source, **fields}]


def _read(cells: dict[str, Cell], row: Row, times: Times, faults: list[CellFault]) -> Item:
    """Return the fields that are there; segments and answers are put together again."""
    read: Item = {}
    for name, cell in cells.items():
        try:
            value = value_of(name, cell, row, times)
        except CellFault as fault:
            faults.append(fault)
            continue
        if value is None:
            continue
        group, _, key = name.partition(".")
        if key:
            read.setdefault(group, {})[key] = value
        else:
            read[name] = value
    return read


def _require(read: Item, names: tuple[str, ...], cells: dict[str, Cell], faults: list[CellFault]) -> None:
    at_fault = {fault.field for fault in faults}
    faults.extend(
        CellFault(name, f"is empty (column {cells[name].column})")
        for name in names
        if name not in read and name not in at_fault
    )


def _identity(label: str, columns: tuple[str, ...], row: Row, faults: list[CellFault]) -> str:
    """Return an id made of cells: equal cells give equal ids, and different ones different ids."""
    parts = [row.get(column, "").strip() for column in columns]
    empty = [column for column, part in zip(columns, parts, strict=True) if not part]
    if empty:
        faults.append(CellFault("id", f"is empty (column {empty[0]})"))
    joined = "/".join(quote(part, safe=" :") for part in ([label, *parts] if label else parts))
    if len(joined) <= _LONGEST_ID:
        return joined
    return "blake2b:" + hashlib.blake2b(joined.encode(), digest_size=32).hexdigest()
