"""The numbers of the KPIs of one evaluation as disclosure control takes them, and what was published before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b

from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.grid import REST
from evaluation_engine.domain.disclosure.ledger import Published
from evaluation_engine.domain.disclosure.tables import Scale


def dimension_of(cut: str) -> str:
    """The dimension of a single cut; '' for everybody."""
    return cut.partition("=")[0]


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one KPI: its total (cut '') and single cuts.

    `answered` are further people whom the cells tell of: those who answered behind a response rate. `compares` says
    that the total is a gap between groups, `compares_few` that one of them is small. `looks_back`: over more than the
    evaluation's own period. `part`: of a part of the service that no table is about. `people` is False where
    measurements are counted: a few of them more are nobody's secret. `counts` is a mark of whom the KPI counts
    (`subject_of`).
    """

    kpi: str
    source: str
    start: date
    end: date
    cells: Mapping[str, Count]
    scale: Scale | None = None
    answered: Mapping[str, int] = field(default_factory=dict)
    overlapping: frozenset[str] = frozenset()
    compares: bool = False
    compares_few: bool = False
    looks_back: bool = False
    part: bool = False
    people: bool = True
    counts: str = ""

    @property
    def subject(self) -> str:
        """Numbers of the same subject can be subtracted from each other."""
        return self.counts or self.kpi

    @property
    def answerers(self) -> str:
        """The subject of those who answered, of whom a response rate tells too."""
        return f"{self.kpi}: answered"

    @property
    def total(self) -> Count:
        """Everybody."""
        return self.cells[""]

    def of(self, dimension: str) -> dict[str, Count]:
        """The cells of one table, also of those of whom the dimension isn't known: readers can compute them."""
        named = {cut: count for cut, count in self.cells.items() if cut and dimension_of(cut) == dimension}
        rest = _less(self.total, named.values(), self.scale)
        if dimension in self.overlapping or not (rest.n or rest.score):
            return named
        return {**named, f"{dimension}={REST}": rest}

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that are to be published."""
        return tuple(dict.fromkeys(dimension_of(cut) for cut in self.cells if cut))


@dataclass(frozen=True, slots=True)
class History:
    """What was published before.

    `editions` of exactly these periods, oldest first, also of other KPIs that count the same people; `totals` by
    subject; `touched` are KPIs whose period shares days with another published one.
    """

    editions: Mapping[tuple[str, str], tuple[Edition, ...]] = field(default_factory=dict)
    totals: Mapping[str, tuple[Published, ...]] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()

    def of(self, kpi: str, dimension: str) -> tuple[Edition, ...]:
        """Editions of one table."""
        return self.editions.get((kpi, dimension), ())

    def beside(self, one: Figures, dimension: str) -> Iterator[Edition]:
        """Editions in which other KPIs tell of the same people."""
        for (kpi, name), editions in self.editions.items():
            if kpi != one.kpi and name == dimension:
                yield from (edition for edition in editions if edition.counts == one.counts != "")


def _less(total: Count, named: Iterable[Count], scale: Scale | None) -> Count:
    """Who of the total is in none of the groups; without a scale any other mark may be one of theirs."""
    groups = list(named)
    marks = [one.mark for one in (total, *groups)]
    return Count(
        n=total.n - sum(one.n for one in groups),
        score=None if scale is None else (total.score or 0) - sum(one.score or 0 for one in groups),
        moved=None if total.moved is None else total.moved - sum(one.moved or 0 for one in groups),
        mark=blake2b("|".join(marks).encode(), digest_size=6).hexdigest() if scale is None and any(marks) else "",
    )
