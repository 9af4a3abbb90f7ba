"""Completes counts to whole tables: empty cells, those of whom a dimension isn't known, and every sum.

Both can be computed by a reader, so that both belong to what is controlled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation_engine.domain.disclosure.tables import (
    Cell,
    People,
    Scale,
    Sum,
    Tables,
    conditions,
    dimensions,
    joined,
)

REST = "(rest)"
"""Value of a dimension for those of whom it isn't known: total minus the others."""


def tables(
    given: Mapping[Cell, People],
    *,
    periods: Mapping[str, Sequence[str]] | None = None,
    scale: Scale | None = None,
    overlapping: Iterable[str] = (),
) -> Tables:
    """Counts as whole tables.

    `periods` gives for a longer period the shorter ones that make it up. `overlapping` are dimensions that one person
    can be in more than once (steps): their cells make no sum. A cut has at most two dimensions.

    Raises:
        ValueError: counts that can't be: negative, outside the scale, parts with more than their whole, or a period
            that isn't the sum of its parts (all must be counted from the same data).
    """
    cells = {Cell(cell.period, joined(conditions(cell.cut))): people for cell, people in given.items()}
    for cell, people in cells.items():
        _require_possible(cell, people, scale)
    grid = _Grid(cells, scale, frozenset(overlapping))
    for period in sorted({cell.period for cell in cells}):
        grid.complete(period)
    grid.add_periods(periods or {})
    return Tables(dict(sorted(grid.cells.items())), tuple(grid.sums), scale)


def _require_possible(cell: Cell, people: People, scale: Scale | None) -> None:
    if people.n < 0 or len(dimensions(cell.cut)) > 2:
        raise ValueError(f"{cell}: {people.n} people, and at most two dimensions")
    if (people.score is None) != (scale is None):
        raise ValueError(f"{cell}: a score goes with a scale")
    if scale and people.score is not None and not scale[0] * people.n <= people.score <= scale[1] * people.n:
        raise ValueError(f"{cell}: a score of {people.score} from {people.n} people is outside the scale")


@dataclass(slots=True)
class _Grid:
    cells: dict[Cell, People]
    scale: Scale | None
    overlapping: frozenset[str]
    sums: list[Sum] = field(default_factory=list)
    values: dict[str, list[str]] = field(init=False)
    tables: list[tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        seen = {pair for cell in self.cells for pair in conditions(cell.cut)}
        self.values = {name: sorted(v for n, v in seen if n == name and v != REST) for name, _ in seen}
        self.tables = sorted({dimensions(cell.cut) for cell in self.cells}, key=lambda names: (len(names), names))

    def complete(self, period: str) -> None:
        """Fill the tables of a period, those of one dimension first: others take their rest from them."""
        for whole, dimension in self._rows():
            if dimension not in self.overlapping and Cell(period, joined(whole)) in self.cells:
                self._row(period, whole, dimension)

    def _rows(self) -> Iterator[tuple[tuple[tuple[str, str], ...], str]]:
        """Each group and the dimension that splits it; groups whose own value isn't known come last."""
        for names in self.tables:
            for name in names:
                others = [other for other in names if other != name]
                for value in self.values[others[0]] if others else ():
                    yield ((others[0], value),), name
                if not others:
                    yield (), name
            for name in names if len(names) == 2 else ():
                other = names[1] if name == names[0] else names[0]
                yield ((other, REST),), name

    def _row(self, period: str, whole: tuple[tuple[str, str], ...], dimension: str) -> None:
        cells = [Cell(period, joined((*whole, (dimension, value)))) for value in (*self.values[dimension], REST)]
        top = Cell(period, joined(whole))
        known, rest = cells[:-1], cells[-1]
        for cell in known:
            self.cells.setdefault(cell, self._people(0, 0))
        if rest not in self.cells:
            left = self.cells[top].n - sum(self.cells[cell].n for cell in known)
            score = (self.cells[top].score or 0) - sum(self.cells[cell].score or 0 for cell in known)
            if left or score:
                self.cells[rest] = self._people(left, score)
                _require_possible(rest, self.cells[rest], self.scale)
        self._add(top, [cell for cell in cells if cell in self.cells])

    def _people(self, n: int, score: int) -> People:
        return People(n, score if self.scale else None)

    def add_periods(self, periods: Mapping[str, Sequence[str]]) -> None:
        """Longer periods whose shorter ones are all there."""
        for whole, parts in sorted(periods.items()):
            if not all(Cell(part) in self.cells for part in parts):
                continue
            for cut in sorted({cell.cut for cell in self.cells if cell.period == whole}):
                self._add(Cell(whole, cut), [Cell(part, cut) for part in parts if Cell(part, cut) in self.cells])

    def _add(self, whole: Cell, parts: list[Cell]) -> None:
        n, score = sum(self.cells[one].n for one in parts), sum(self.cells[one].score or 0 for one in parts)
        if (n, score) != (self.cells[whole].n, self.cells[whole].score or 0):
            raise ValueError(f"{whole} has {self.cells[whole]}, its parts have {n} people and a score of {score}")
        self.sums.append(Sum(whole, tuple(parts)))
