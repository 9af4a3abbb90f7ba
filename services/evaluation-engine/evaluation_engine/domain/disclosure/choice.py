"""What of all KPIs of one evaluation is published: numbers as new, an earlier edition of them, or nothing.

Of a KPI the total comes first, then the groups of each dimension. A table is taken as a whole: a revision that would
tell of a few people leaves the earlier edition of that table, and all tables below a total wait for the total.
Groups are published only where the period touches no other published period of the KPI, so that a table never has to
be proved together with others; between periods there are only totals, and those the ledger looks after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History, dimension_of
from evaluation_engine.domain.disclosure.grid import REST, tables
from evaluation_engine.domain.disclosure.ledger import Ledger, Published
from evaluation_engine.domain.disclosure.secrets import Reason
from evaluation_engine.domain.disclosure.squares import told_by_squares
from evaluation_engine.domain.disclosure.suppression import Suppression, suppress
from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, People, Tables

_PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Table:
    """What readers see of one table: new numbers but for the `hidden`, or an earlier edition, or nothing.

    `hidden` and `why` (nothing at all is shown) are reasons for those inside, never for readers.
    """

    cells: Mapping[str, Count] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    kept: Edition | None = None
    why: str = ""

    @property
    def new(self) -> bool:
        """Whether numbers are shown that weren't before."""
        return not self.kept and not self.why

    def shows(self, cut: str) -> bool:
        """Whether the numbers of this evaluation itself are shown: also those that an earlier edition has already."""
        return self.new and cut in self.cells and cut not in self.hidden


def choose(figures: Iterable[Figures], history: History) -> dict[tuple[str, str], Table]:
    """Decide on every table, by KPI and dimension. The same figures and history always give the same choice."""
    return _Choosing({one.kpi: one for one in figures}, history).choice()


@dataclass(slots=True)
class _Choosing:
    figures: Mapping[str, Figures]
    history: History
    refused: dict[str, set[str]] = field(default_factory=dict)
    found: dict[str, Suppression] = field(default_factory=dict)
    now: list[Published] = field(default_factory=list)

    def choice(self) -> dict[tuple[str, str], Table]:
        totals: dict[str, Table] = {}
        for kpi, one in self.figures.items():
            totals[kpi] = self._total(one)
            self._remember(one, totals[kpi])
        open_ = {kpi for kpi, one in self.figures.items() if self._may_be_cut(one, totals[kpi])}
        for kpi in sorted(open_):
            self._suppress(kpi)
        while changed := self._told_by_others(open_):
            for kpi in sorted(changed):
                self._suppress(kpi)
        made = {(kpi, ""): table for kpi, table in totals.items()}
        for kpi, one in self.figures.items():
            for dimension in one.dimensions:
                made[kpi, dimension] = self._groups(one, dimension, totals[kpi])
        return made

    def _total(self, one: Figures) -> Table:
        editions = self.history.of(one.kpi, "")
        cells = {"": one.total}
        if editions and one.total.n == 0:
            return Table(kept=editions[-1])
        why = self._against_total(one)
        if not editions:
            return Table(cells, why=why)
        if one.compares and not all(old.same_people(cells) for old in editions):
            return Table(kept=editions[-1])
        if why or not all(_may_follow(old, cells, one) for old in editions):
            return Table(kept=editions[-1])
        return Table(cells)

    def _remember(self, one: Figures, table: Table) -> None:
        """KPIs of one evaluation stand beside each other too."""
        if table.new and one.people:
            self.now += _numbers(one)

    def _against_total(self, one: Figures) -> str:
        plain = (
            (Reason.SMALL, 0 < one.total.n < MINIMUM),
            (Reason.PART, one.part),
            (Reason.INSIDE, one.compares_few or 0 < one.answered.get("", 0) < MINIMUM),
            (_PERIOD, one.compares and self._touches(one)),
        )
        why = next((str(why) for why, holds in plain if holds), "")
        if why or not one.people:
            return why
        for number in _numbers(one):
            refusal = Ledger((*self.history.totals.get(number.kpi, ()), *self.now)).refusal(number)
            if refusal:
                return f"{Reason.REFUSED}: {refusal}"
        return ""

    def _may_be_cut(self, one: Figures, total: Table) -> bool:
        return total.new and one.total.n > 0 and not self._touches(one) and bool(one.dimensions)

    def _touches(self, one: Figures) -> bool:
        """Whether another published period of the KPI shares days with this one, or will, because it looks back."""
        return one.looks_back or one.kpi in self.history.touched

    def _suppress(self, kpi: str) -> None:
        one = self.figures[kpi]
        before = {
            cut
            for dimension in one.dimensions
            for edition in (*self.history.of(kpi, dimension)[-1:], *self.history.beside(one, dimension))
            for cut in edition.hidden
        }
        self.found.pop(kpi, None)
        try:
            made = _tables(one)
            few = {cut for cut, n in one.answered.items() if cut and 0 < n < MINIMUM}
            refused = [Cell(_PERIOD, cut) for cut in {*before, *few, *self.refused.get(kpi, ())}]
            known = [cell for cell in refused if cell in made.people]
            self.found[kpi] = suppress(made, refused=known)
            while cover := told_by_squares(self.found[kpi], one.overlapping):
                known.append(cover)
                self.found[kpi] = suppress(made, refused=known)
        except ValueError:
            return

    def _told_by_others(self, kpis: Iterable[str]) -> set[str]:
        """Hide a cell also where another KPI of the same source shows about as many people; those that changed."""
        changed: set[str] = set()
        for kpi in sorted(self.found):
            for cut, n, why in self._secrets(kpi):
                for other in sorted(set(kpis) & set(self.found)):
                    if other != kpi and self._tells(self.figures[kpi], self.figures[other], cut, n, why):
                        self.refused.setdefault(other, set()).add(cut)
                        changed.add(other)
        return changed

    def _secrets(self, kpi: str) -> Iterator[tuple[str, int, Reason]]:
        for cell, why in self.found[kpi].hidden.items():
            if cell.cut and REST not in cell.cut and cell.cut in self.figures[kpi].cells:
                yield cell.cut, self.figures[kpi].cells[cell.cut].n, why

    def _tells(self, one: Figures, other: Figures, cut: str, n: int, why: Reason) -> bool:
        shown = other.cells.get(cut)
        if shown is None or not self.found[other.kpi].shown(Cell(_PERIOD, cut)):
            return False
        if (one.start, one.end) != (other.start, other.end):
            return False
        alike = other.source == one.source and why not in (Reason.SMALL, Reason.INSIDE)
        counts = [shown.n] if alike else []
        if cut in other.answered:
            counts.append(other.answered[cut])
        return any(abs(count - n) < MINIMUM for count in counts)

    def _groups(self, one: Figures, dimension: str, total: Table) -> Table:
        editions = self.history.of(one.kpi, dimension)
        table = self._new_groups(one, dimension, total)
        cells = {cut: count._replace(shown=cut not in table.hidden) for cut, count in table.cells.items()}
        if table.new and not all(old.may_stand_beside(cells) for old in self.history.beside(one, dimension)):
            table = Table(why=Reason.REFUSED)
        if not editions:
            return table
        alike = table.new and editions[-1].hides_what(cells)
        if not alike or not all(_may_follow(old, cells, one) for old in editions):
            return Table(kept=editions[-1])
        return table

    def _new_groups(self, one: Figures, dimension: str, total: Table) -> Table:
        if not self._may_be_cut(one, total):
            return Table(why="total" if not total.new else "period")
        if one.kpi not in self.found:
            return Table(why="sums")
        cells, found = one.of(dimension), self.found[one.kpi]
        unseen = [cut for cut in cells if not found.shown(Cell(_PERIOD, cut))]
        hidden = {cut: str(found.hidden.get(Cell(_PERIOD, cut), Reason.INSIDE)) for cut in unseen}
        left = [cut for cut in cells if cut not in hidden and cut in one.cells]
        return Table(cells, hidden, why="" if left else "nothing left")


def _may_follow(old: Edition, cells: Mapping[str, Count], one: Figures) -> bool:
    return not one.people or old.may_be_followed_by(cells, one.scale, answered=bool(one.answered))


def _numbers(one: Figures) -> list[Published]:
    """The people that a total tells of: those who are counted, and those of them who answered."""
    told = [(one.subject, one.total.n)] + ([(one.answerers, one.answered[""])] if "" in one.answered else [])
    return [Published("", subject, "", one.start, one.end, n) for subject, n in told]


def _tables(one: Figures) -> Tables:
    """The total and the groups of each dimension that is to be published."""
    wanted = ("", *one.dimensions)
    given = {
        Cell(_PERIOD, cut): People(count.n, count.score if one.scale else None, count.alike)
        for cut, count in one.cells.items()
        if dimension_of(cut) in wanted
    }
    return tables(given, scale=one.scale, overlapping=one.overlapping)
