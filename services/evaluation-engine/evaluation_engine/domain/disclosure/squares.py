"""What intervals give beside the numbers: the sum of squares of answers, of the hidden groups together too.

Of people with the same answer somewhere inside the scale the squares tell that they have: then one group more is
hidden, so that those who are hidden don't all agree.
"""

from __future__ import annotations

from collections.abc import Container

from evaluation_engine.domain.disclosure.suppression import Suppression
from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, People, Scale, Sum, dimensions


def told_by_squares(found: Suppression, overlapping: Container[str] = ()) -> Cell | None:
    """The next cell to hide, the smallest, where all who are hidden of a sum may have given one inner answer."""
    scale = found.tables.scale
    if scale is None:
        return None
    for one in found.tables.sums:
        if found.shown(one.whole) and dimensions(one.parts[0].cut)[0] not in overlapping:
            hidden = [found.tables.people[part] for part in one.parts if not found.shown(part)]
            if _agree([people for people in hidden if people.n], scale) and (cover := _smallest_shown(found, one)):
                return cover
    return None


def _agree(hidden: list[People], scale: Scale) -> bool:
    """Whether each group's mean is the same whole number between the ends: those who all said it are among these."""
    low, high = scale
    return any(
        low < answer < high and all(people.score == answer * people.n for people in hidden)
        for answer in ([(hidden[0].score or 0) // hidden[0].n] if hidden else [])
    )


def _smallest_shown(found: Suppression, one: Sum) -> Cell | None:
    shown = [part for part in one.parts if found.shown(part) and found.tables.people[part].n >= MINIMUM]
    return min(shown, key=lambda part: (found.tables.people[part].n, part), default=None)
