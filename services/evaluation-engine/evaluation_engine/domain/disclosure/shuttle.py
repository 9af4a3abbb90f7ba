"""A cheap first look at what can be narrowed down: bounds passed to and fro along the sums until they rest.

What it finds is narrowed down indeed; what it doesn't find may be so all the same, which the audit tells. Shuttle
algorithm: Buzzigoli, Giusti (1999), "An algorithm to calculate the lower and upper bounds of the elements of an array
given its marginals", Proc. Statistical Data Protection, Eurostat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evaluation_engine.domain.disclosure.secrets import Secrets
from evaluation_engine.domain.disclosure.tables import Cell, Sum

_SWEEPS = 30
_MANY = 10**12

Bounds = dict[Cell, tuple[int, int]]


def weak(secrets: Secrets, protection: int, settled: tuple[frozenset[Cell], frozenset[Cell]]) -> tuple[Cell, ...]:
    """Hidden groups whose number, or whose unanimity, follows from the sums one by one."""
    limits = {cell: (low, _MANY if high is None else high) for cell, (low, high) in secrets.limits().items()}
    secret = [cell for cell in limits if secrets.people(cell).n > 0]
    people = _passed(secrets, limits, lambda cell: secrets.people(cell).n)
    found = {cell for cell in secret if people[cell][1] - people[cell][0] < protection}
    if secrets.tables.scale is not None:
        low, high = secrets.tables.scale
        room = {cell: (0, (high - low) * most) for cell, (_, most) in people.items()}
        above = _passed(secrets, room, lambda cell: _score(secrets, cell) - low * secrets.people(cell).n)
        below = _passed(secrets, room, lambda cell: high * secrets.people(cell).n - _score(secrets, cell))
        found |= {cell for cell in secret if cell not in settled[0] and above[cell][1] < 1}
        found |= {cell for cell in secret if cell not in settled[1] and below[cell][1] < 1}
    return tuple(sorted(found))


def _score(secrets: Secrets, cell: Cell) -> int:
    return secrets.people(cell).score or 0


def _passed(secrets: Secrets, start: Bounds, true: Callable[[Cell], int]) -> Bounds:
    """Bounds of every cell after the sums were used again and again."""
    bounds = {cell: start.get(cell) or (true(cell), true(cell)) for cell in secrets.tables.people}
    waiting = list(dict.fromkeys(one for cell in start for one in secrets.sums_of.get(cell, ())))
    for _ in range(_SWEEPS):
        changed = dict.fromkeys(cell for one in waiting for cell in _pass(one, bounds))
        if not changed:
            break
        waiting = list(dict.fromkeys(one for cell in changed for one in secrets.sums_of[cell]))
    return bounds


def _pass(one: Sum, bounds: Bounds) -> Iterable[Cell]:
    """Narrow each cell of a sum by the others; yields those that changed."""
    least, most = (sum(bounds[part][side] for part in one.parts) for side in (0, 1))
    whole = bounds[one.whole]
    if _narrow(bounds, one.whole, least, most):
        yield one.whole
        whole = bounds[one.whole]
    for part in one.parts:
        low, high = bounds[part]
        if low < high and _narrow(bounds, part, whole[0] - (most - high), whole[1] - (least - low)):
            yield part


def _narrow(bounds: Bounds, cell: Cell, low: int, high: int) -> bool:
    now = bounds[cell]
    bounds[cell] = max(now[0], low), min(now[1], high)
    return bounds[cell] != now
