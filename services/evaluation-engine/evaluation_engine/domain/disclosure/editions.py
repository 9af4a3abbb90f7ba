"""What was published of a table, and whether a later count of it may be published beside that.

Whoever keeps the earlier edition subtracts it from the later one: the difference is a table too, of those who came,
left or changed sides in between. So each cell of it, shown or hidden, must be of nobody or of ten people at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from evaluation_engine.domain.disclosure.tables import MINIMUM, Scale


class Count(NamedTuple):
    """One cell as it was counted.

    `score` is the sum of answers where they are on a scale, `moved` how many of the `n` have moved on where that can
    change (cases that have ended). `mark` stands for everything that is computed of these people: another one, and
    somebody changed. `shown` says whether readers saw it.
    """

    n: int
    score: int | None = None
    moved: int | None = None
    mark: str = ""
    alike: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Edition:
    """One table of a KPI as it was published: everybody (dimension '') or the groups of a dimension.

    `results` are the numbers as readers saw them, `counts` a mark of whom they count (see `subject_of`).
    """

    kpi: str
    dimension: str
    start: date
    end: date
    number: int
    revision: int
    cells: Mapping[str, Count]
    results: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    counts: str = ""

    @property
    def name(self) -> str:
        """Which evaluation it is from."""
        return f"{self.number}/{self.revision}"

    @property
    def hidden(self) -> frozenset[str]:
        """Cells that readers didn't see."""
        return frozenset(cut for cut, count in self.cells.items() if not count.shown)

    def hides_what(self, cells: Mapping[str, Count]) -> bool:
        """Whether the same cells are hidden; one that isn't named is of nobody, and shown."""
        return self.hidden == {cut for cut, count in cells.items() if not count.shown}

    def same_people(self, cells: Mapping[str, Count]) -> bool:
        """Whether nobody came, left or changed since."""
        return all(_plain(self.cells.get(cut)) == _plain(cells.get(cut)) for cut in {*self.cells, *cells})

    def may_be_followed_by(self, cells: Mapping[str, Count], scale: Scale | None, *, answered: bool = False) -> bool:
        """Whether the difference tells of no few people in any cell, nor of few who ``answered`` where that is told."""
        pairs = [(self.cells.get(cut, _NOBODY), cells.get(cut, _NOBODY)) for cut in {*self.cells, *cells}]
        return all(_far(old, new, scale) and not (answered and _few_answered(old, new)) for old, new in pairs)

    def may_stand_beside(self, cells: Mapping[str, Count]) -> bool:
        """Whether another KPI may tell of the same people too: it hides as much, and tells of no few others."""
        return all(
            (new.shown or not old.shown or not old.n) and not 0 < abs(new.n - old.n) < MINIMUM
            for old, new in ((self.cells.get(cut, _NOBODY), cells.get(cut, _NOBODY)) for cut in {*self.cells, *cells})
        )


_NOBODY = Count(0)


def _plain(count: Count | None) -> tuple[int, int, int, str]:
    one = count or _NOBODY
    return one.n, one.score or 0, one.moved or 0, one.mark if one.n else ""


def _far(old: Count, new: Count, scale: Scale | None) -> bool:
    """Nobody, or ten people at least; those who only changed sides are at least what the sum of answers moved by."""
    if _plain(old) == _plain(new):
        return True
    if old.n != new.n:
        return abs(old.n - new.n) >= MINIMUM and not _said_the_same(old, new, scale)
    span = scale[1] - scale[0] if scale else 1
    by_answers = abs((old.score or 0) - (new.score or 0)) >= MINIMUM * span
    return by_answers or abs((old.moved or 0) - (new.moved or 0)) >= MINIMUM


def _few_answered(old: Count, new: Count) -> bool:
    return 0 < abs((new.score or 0) - (old.score or 0)) < MINIMUM


def _said_the_same(old: Count, new: Count, scale: Scale | None) -> bool:
    """Whether all who came or left gave the same end of the scale, where not everybody does anyway."""
    people, answers = new.n - old.n, (new.score or 0) - (old.score or 0)
    return any(
        answers == end * people and not all((one.score or 0) == end * one.n for one in (old, new))
        for end in scale or ()
    )
