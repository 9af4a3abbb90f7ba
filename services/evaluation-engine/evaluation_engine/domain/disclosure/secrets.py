"""What is hidden, and why; and what an attacker who knows the rule can take for granted of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property

from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, People, Sum, Tables, alike, dimensions


class Reason(StrEnum):
    """Why a cell is hidden. Readers are told only that it is: which one is small would narrow it down."""

    SMALL = "small"
    ALIKE = "alike"
    INSIDE = "inside"  # a part of a small group
    REFUSED = "refused"  # by the release ledger
    COMPLEMENT = "complement"
    PART = "part"  # of a KPI about a part of the service: beside one about all of it the rest could be computed


Limits = Mapping[Cell, tuple[int, int | None]]
"""Fewest and most people of each cell that isn't seen; None where there is no most."""


class Secrets:
    """The cells of tables that are hidden so far."""

    def __init__(self, tables: Tables, published: frozenset[Cell] = frozenset()) -> None:
        self.tables = tables
        self.published = published
        self.hidden: dict[Cell, Reason] = {}

    @cached_property
    def sums_of(self) -> Mapping[Cell, tuple[Sum, ...]]:
        """Every sum that a cell is in."""
        found: dict[Cell, list[Sum]] = {}
        for one in self.tables.sums:
            for cell in (one.whole, *one.parts):
                found.setdefault(cell, []).append(one)
        return {cell: tuple(sums) for cell, sums in found.items()}

    def hide(self, cell: Cell, reason: Reason) -> None:
        """Hide a cell that isn't published already; the first reason stays."""
        if cell not in self.published:
            self.hidden.setdefault(cell, reason)

    def hide_primary(self, refused: Iterable[Cell] = ()) -> None:
        """Small groups, groups who all answered alike, and what is inside of a small group, empty or not."""
        for cell, people in self.tables.people.items():
            if 0 < people.n < MINIMUM:
                self.hide(cell, Reason.SMALL)
            elif cell.cut and alike(people, self.tables.scale):
                self.hide(cell, Reason.ALIKE)
        for cell in refused:
            self.hide(cell, Reason.REFUSED)
        for cell in [cell for cell, why in self.hidden.items() if why is Reason.SMALL]:
            for inside in self._inside(cell):
                if inside not in self.published and self.hidden.get(inside) in (None, Reason.SMALL):
                    self.hidden[inside] = Reason.INSIDE

    def _inside(self, cell: Cell) -> Iterator[Cell]:
        for one in self.sums_of.get(cell, ()):
            if one.whole == cell:
                for part in one.parts:
                    yield part
                    yield from self._inside(part)

    def people(self, cell: Cell) -> People:
        """Who is behind a cell."""
        return self.tables.people[cell]

    def shown(self, cell: Cell) -> bool:
        """Whether readers see it."""
        return cell not in self.hidden

    def can_be_hidden(self, cell: Cell) -> bool:
        """Whether hiding it could help: an empty cell is no cover."""
        return self.shown(cell) and cell not in self.published and self.people(cell).n >= MINIMUM

    @property
    def withdrawn(self) -> frozenset[tuple[str, tuple[str, ...]]]:
        """Tables (period, dimensions) that would show nothing but zeros, totals apart: they are not published at all.

        Then nobody can tell which of their cells is small, or empty.
        """
        tables: dict[tuple[str, tuple[str, ...]], bool] = {}
        for cell, people in self.tables.people.items():
            if cell.cut:
                table = (cell.period, dimensions(cell.cut))
                shows = cell in self.published or (self.shown(cell) and people.n > 0)
                tables[table] = tables.get(table, False) or shows
        return frozenset(table for table, shows in tables.items() if not shows)

    def unseen(self) -> frozenset[Cell]:
        """Every cell that readers don't see: hidden, or an empty one of a withdrawn table."""
        withdrawn = self.withdrawn
        empty = (cell for cell in self.tables.people if (cell.period, dimensions(cell.cut)) in withdrawn)
        return frozenset((*self.hidden, *empty))

    def limits(self) -> dict[Cell, tuple[int, int | None]]:
        """Fewest and most people that an attacker who knows the rule, and why each cell is hidden, can think of.

        That is more than readers are told, so that what holds against it holds against them.
        """
        withdrawn = self.withdrawn
        found: dict[Cell, tuple[int, int | None]] = {}
        for cell in self.tables.people:
            why = self.hidden.get(cell)
            if (cell.period, dimensions(cell.cut)) in withdrawn:
                found[cell] = (0, MINIMUM - 1) if why is Reason.INSIDE else (0, None)
            elif why is Reason.SMALL:
                found[cell] = (1, MINIMUM - 1)
            elif why is Reason.INSIDE:
                found[cell] = (0, MINIMUM - 1)
            elif why is not None:
                found[cell] = (MINIMUM, None)
        return found

    def settled(self) -> tuple[frozenset[Cell], frozenset[Cell]]:
        """Cells inside a shown one whose people all gave the lowest, or the highest: that says it of every group."""
        if self.tables.scale is None:
            return frozenset(), frozenset()
        low, high = self.tables.scale
        return self._inside_of_unanimous(low), self._inside_of_unanimous(high)

    def _inside_of_unanimous(self, end: int) -> frozenset[Cell]:
        found: set[Cell] = set()
        for cell, people in self.tables.people.items():
            if self.shown(cell) and people.n and people.score == end * people.n:
                found.update(self._inside(cell))
        return frozenset(found)
