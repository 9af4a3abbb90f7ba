"""One publication: tables suppressed and audited, checked against all that was published before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from evaluation_engine.domain.disclosure.grid import REST
from evaluation_engine.domain.disclosure.ledger import Ledger, Published, Refusal
from evaluation_engine.domain.disclosure.ranges import PROTECTION
from evaluation_engine.domain.disclosure.suppression import Suppression, suppress
from evaluation_engine.domain.disclosure.tables import Cell, Tables


class Subject(NamedTuple):
    """Whose tables they are, and the days of each period in them (inclusive start, exclusive end)."""

    service: str
    kpi: str
    days: Mapping[str, tuple[date, date]]

    def entry(self, cell: Cell, n: int) -> Published:
        """A cell as the ledger knows it."""
        return Published(self.service, self.kpi, cell.cut, *self.days[cell.period], n)


@dataclass(frozen=True, slots=True)
class Release:
    """What may be published now, the ledger as it is then, and what the earlier publications forbade."""

    suppression: Suppression
    ledger: Ledger
    refusals: tuple[Refusal, ...]

    def shown(self, cell: Cell) -> bool:
        """Whether the cell, and everything computed from it, may be published."""
        return self.suppression.shown(cell)


def release(tables: Tables, subject: Subject, ledger: Ledger, *, protection: int = PROTECTION) -> Release:
    """Decide what of the tables may be published beside everything in the ledger.

    What was published with the same number stays published. What the ledger refuses is hidden, and covered.

    Raises:
        ValueError: what was published before gives a hidden cell away whatever else is hidden.
    """
    entries = {cell: subject.entry(cell, people.n) for cell, people in tables.people.items() if REST not in cell.cut}
    told = frozenset(ledger.entries)
    published = frozenset(cell for cell, entry in entries.items() if entry in told)
    refusals: dict[Cell, Refusal] = {}
    while True:
        found = suppress(tables, published=published, refused=refusals, protection=protection)
        shown = {entry: cell for cell, entry in entries.items() if found.shown(cell) and entry.n}
        admitted, refused = ledger.admit(shown)
        if not refused:
            return Release(found, ledger.adding(admitted), tuple(refusals.values()))
        refusals.update((shown[one.candidate], one) for one in refused)
