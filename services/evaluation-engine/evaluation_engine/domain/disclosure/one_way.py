"""The audit of groups that only one sum ties together, without a programme: what is possible follows from that sum.

The hidden people of a shown total are `rest` together, each group within its limits. What each group gave above the
lowest answer, `a`, and below the highest, `b`, adds up to a known number too, and a + b is the span of the scale for
each person; so any `a` from what the others can't take up to what the group can hold is possible.
"""

from __future__ import annotations

from evaluation_engine.domain.disclosure.ranges import Range
from evaluation_engine.domain.disclosure.secrets import Limits, Secrets
from evaluation_engine.domain.disclosure.tables import Cell


def ranges_of(secrets: Secrets, cells: tuple[Cell, ...], limits: Limits) -> dict[Cell, Range] | None:
    """What is possible of each group of people among unknown cells; None where more than one shown sum has them."""
    sums = {one for cell in cells for one in secrets.sums_of.get(cell, ())}
    if len(sums) != 1:
        return None
    (only,) = sums
    if only.whole in limits:
        return None
    rest = sum(secrets.people(cell).n for cell in cells)
    bounds = {cell: (low, rest if high is None else high) for cell, (low, high) in limits.items() if cell in only.parts}
    fewest, most = (sum(bounds[cell][side] for cell in cells) for side in (0, 1))
    found = {}
    for cell in cells:
        if secrets.people(cell).n:
            low, high = bounds[cell]
            numbers = max(low, rest - (most - high)), min(high, rest - (fewest - low))
            found[cell] = _range(secrets, cells, cell, numbers)
    return found


def _range(secrets: Secrets, cells: tuple[Cell, ...], cell: Cell, numbers: tuple[int, int]) -> Range:
    true, scale = secrets.people(cell), secrets.tables.scale
    if scale is None:
        return Range(*numbers)
    low, high = scale
    people = sum(secrets.people(one).n for one in cells)
    above = sum((secrets.people(one).score or 0) - low * secrets.people(one).n for one in cells)
    found = Range(true.n, true.n, true.score or 0, true.score or 0).wider(true.n, true.score or 0, scale)
    for n in (*numbers, true.n):
        least, most = max(0, above - (high - low) * (people - n)), min((high - low) * n, above)
        for each in (least, most):
            found = found.wider(n, low * n + each, scale)
    return found
