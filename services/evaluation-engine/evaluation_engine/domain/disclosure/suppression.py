"""Which cells are hidden: small ones, and as many others as it takes until the audit passes.

The same tables always give the same choice: of the cells that could cover a hidden one the smallest, groups before
totals, by name where they are equally small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evaluation_engine.domain.disclosure.audit import Audit, audit
from evaluation_engine.domain.disclosure.ranges import PROTECTION
from evaluation_engine.domain.disclosure.secrets import Reason, Secrets
from evaluation_engine.domain.disclosure.shuttle import weak
from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, Sum, Tables, dimensions


@dataclass(frozen=True, slots=True)
class Suppression:
    """What is hidden of tables, why (for those inside, never for readers), and the audit that it passed."""

    tables: Tables
    hidden: Mapping[Cell, Reason]
    unseen: frozenset[Cell]
    audit: Audit
    rounds: int

    def shown(self, cell: Cell) -> bool:
        """Whether the cell, and everything computed from it, may be published; False for a cell of no table."""
        return cell in self.tables.people and cell not in self.unseen


def suppress(
    tables: Tables,
    *,
    published: Iterable[Cell] = (),
    refused: Iterable[Cell] = (),
    protection: int = PROTECTION,
) -> Suppression:
    """Hide until nothing hidden is given away.

    `published` were shown before and can't be hidden any more; `refused` are hidden because the release ledger says so.

    Raises:
        ValueError: what was published before gives a hidden cell away whatever else is hidden.
    """
    secrets = Secrets(tables, frozenset(published))
    secrets.hide_primary(refused)
    rounds, found = 0, Audit({}, ())
    while True:
        rounds += 1
        _cover_sums(secrets)
        closed = weak(secrets, protection, secrets.settled())
        if closed:
            _cover(secrets, closed)
            continue
        found = audit(secrets, protection, found.ranges)
        if found.passed:
            return Suppression(tables, dict(sorted(secrets.hidden.items())), secrets.unseen(), found, rounds)
        _cover(secrets, found.weak)


def _cover_sums(secrets: Secrets) -> None:
    """What is hidden of a shown sum must be two cells at least, and together no small group."""
    changed = True
    while changed:
        changed = False
        for one in secrets.tables.sums:
            candidates = _candidates(secrets, one.parts)
            if candidates and secrets.shown(one.whole) and _bare(secrets, one):
                secrets.hide(candidates[0], Reason.COMPLEMENT)
                changed = True
            elif not secrets.shown(one.whole) and secrets.people(one.whole).n > 0:
                changed = _cover_whole(secrets, one) or changed


def _bare(secrets: Secrets, one: Sum) -> bool:
    hidden = [secrets.people(part).n for part in one.parts if not secrets.shown(part) and secrets.people(part).n]
    return bool(hidden) and (len(hidden) == 1 or sum(hidden) < MINIMUM)


def _cover_whole(secrets: Secrets, one: Sum) -> bool:
    """A hidden whole is the sum of its parts unless one of them is hidden too."""
    candidates = _candidates(secrets, one.parts)
    if not candidates or any(not secrets.shown(part) for part in one.parts):
        return False
    secrets.hide(candidates[0], Reason.COMPLEMENT)
    return True


def _cover(secrets: Secrets, closed: Iterable[Cell]) -> None:
    """Hide one more cell for each that can be narrowed down, unless one was just hidden beside it."""
    helped: set[Sum] = set()
    hidden = False
    for cell in closed:
        sums = secrets.sums_of.get(cell, ())
        if helped.isdisjoint(sums) and (near := _candidates(secrets, (c for one in sums for c in _all(one)))):
            secrets.hide(near[0], Reason.COMPLEMENT)
            helped.update(sums)
            hidden = True
    if not hidden and helped.isdisjoint(secrets.tables.sums):
        anywhere = _candidates(secrets, secrets.tables.people)
        if not anywhere:
            raise ValueError(f"what was published before gives away {', '.join(map(str, closed))}")
        secrets.hide(anywhere[0], Reason.COMPLEMENT)


def _all(one: Sum) -> tuple[Cell, ...]:
    return (one.whole, *one.parts)


def _candidates(secrets: Secrets, cells: Iterable[Cell]) -> list[Cell]:
    """Cells that could be hidden, the one that costs least first."""
    able = {cell for cell in cells if secrets.can_be_hidden(cell)}
    return sorted(able, key=lambda cell: (-len(dimensions(cell.cut)), secrets.people(cell).n, cell))
