"""Tables from made-up people, and an attacker written apart from what it attacks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from evaluation_engine.domain.disclosure.grid import tables
from evaluation_engine.domain.disclosure.secrets import Reason
from evaluation_engine.domain.disclosure.suppression import Suppression
from evaluation_engine.domain.disclosure.tables import Cell, People, Tables

Person = Mapping[str, str]


def counted(
    people: Iterable[tuple[str, Person, int]], *, share: bool, longer: Mapping[str, tuple[str, ...]] | None = None
) -> Tables:
    """Count (period, {dimension: value}, answer) for everybody, by each dimension, and channel by each other."""
    sums: dict[Cell, tuple[int, int]] = {}
    for period, person, answer in people:
        channel = f"channel={person['channel']}"
        others = [f"{name}={value}" for name, value in person.items() if name != "channel"]
        for cut in ("", channel, *others, *(f"{channel}|{other}" for other in others)):
            for at in (period, *(whole for whole, parts in (longer or {}).items() if period in parts)):
                n, score = sums.get(Cell(at, cut), (0, 0))
                sums[Cell(at, cut)] = (n + 1, score + answer)
    given = {cell: People(n, score if share else None) for cell, (n, score) in sums.items()}
    return tables(given, periods=longer, scale=(0, 1) if share else None)


def crowd(
    seed: int, size: int, periods: tuple[str, ...], dimensions: Mapping[str, int]
) -> list[tuple[str, Person, int]]:
    """People unevenly spread over the values of dimensions, most of whom say yes."""
    chance = random.Random(seed)
    found: list[tuple[str, Person, int]] = []
    for period in periods:
        for _ in range(chance.randint(size // 3, size)):
            person = {name: f"v{min(int(chance.expovariate(0.8)), values - 1)}" for name, values in dimensions.items()}
            found.append((period, person, int(chance.random() < 0.93)))
    return found


def parts_of(whole: Cell, cells: Iterable[Cell], longer: Mapping[str, tuple[str, ...]]) -> list[list[Cell]]:
    """Every way in which a cell is the sum of others, found from the texts of the cuts alone."""
    cells = list(cells)
    mine = {one for one in whole.cut.split("|") if one}
    by_dimension: dict[str, list[Cell]] = {}
    for cell in cells:
        theirs = set(cell.cut.split("|")) if cell.cut else set()
        extra = theirs - mine
        if cell.period == whole.period and mine < theirs and len(extra) == 1:
            by_dimension.setdefault(extra.pop().split("=")[0], []).append(cell)
    found = list(by_dimension.values())
    if whole.period in longer:
        found.append([cell for cell in cells if cell.cut == whole.cut and cell.period in longer[whole.period]])
    return found


def possible(
    suppression: Suppression, cell: Cell, longer: Mapping[str, tuple[str, ...]], aim: tuple[int, int] = (1, 1)
) -> tuple[int, int]:
    """Fewest and most of a cell in whole tables of yes and no that agree with what is shown.

    `aim` counts those who said yes and those who said no. The attacker is told why each cell is hidden. Where only
    people are counted, all say yes.
    """
    people = suppression.tables.people
    cells, share = list(people), suppression.tables.scale is not None
    at = {one: position for position, one in enumerate(cells)}
    size, top = len(cells), 10 * max(one.n for one in people.values())
    low, high = [0] * 2 * size, [top] * size + [top if share else 0] * size
    constraints = []
    for one in cells:
        yes = people[one].score if share else people[one].n
        assert yes is not None
        if suppression.shown(one):
            low[at[one]] = high[at[one]] = yes
            low[at[one] + size] = high[at[one] + size] = people[one].n - yes
        elif suppression.hidden.get(one) in (Reason.SMALL, Reason.INSIDE):
            small = csr_array(([1.0, 1.0], ([0, 0], [at[one], at[one] + size])), shape=(1, 2 * size))
            constraints.append(LinearConstraint(small, 0, 9))
    for whole in cells:
        for parts in parts_of(whole, cells, longer):
            for shift in (0, size):
                places = [at[whole] + shift, *(at[part] + shift for part in parts)]
                factors = [-1.0, *([1.0] * len(parts))]
                row = csr_array((factors, ([0] * len(places), places)), shape=(1, 2 * size))
                constraints.append(LinearConstraint(row, 0, 0))
    objective = np.zeros(2 * size)
    objective[[at[cell], at[cell] + size]] = aim
    found = [
        milp(
            sign * objective, constraints=constraints, bounds=Bounds(low, high), integrality=np.ones(2 * size, np.int64)
        ).fun
        for sign in (1, -1)
    ]
    assert found[0] is not None, "what is shown contradicts itself"
    assert found[1] is not None, "what is shown contradicts itself"
    return round(found[0]), round(-found[1])


def all_tables(suppression: Suppression, values: Mapping[str, list[str]], period: str) -> list[dict[Cell, int]]:
    """Every whole table of channel by one other dimension that agrees with what is shown, one by one."""
    (channels, others), other = (values["channel"], values["other"]), "other"
    total = suppression.tables.people[Cell(period)].n
    found = []
    places = list(product(channels, others))
    for counts in _splits(total, len(places)):
        table = {Cell(period): total}
        for (channel, value), n in zip(places, counts, strict=True):
            for cut in (f"channel={channel}", f"{other}={value}", f"channel={channel}|{other}={value}"):
                table[Cell(period, cut)] = table.get(Cell(period, cut), 0) + n
        if all(table[one] == people.n for one, people in suppression.tables.people.items() if suppression.shown(one)):
            found.append(table)
    return found


def _splits(total: int, parts: int) -> Iterable[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, parts - 1):
            yield (first, *rest)
