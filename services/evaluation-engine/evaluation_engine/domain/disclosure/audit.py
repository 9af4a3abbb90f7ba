"""Proof that what is hidden can't be computed from what is shown, by (integer) linear programmes.

The attacker knows every shown number, every sum of the tables, that people come in whole numbers, and the rule of
`Secrets.limits`. For each hidden group the audit looks for whole tables that agree with all of it and differ enough
in that group. The tables found are the proof: no reasoning over the published numbers can tell which one is true.
Feasibility intervals by linear programming: Fischetti, Salazar (2001), "Solving the cell suppression problem on
tabular data with linear constraints", doi:10.1287/mnsc.47.7.1008.9805; solver: HiGHS, doi:10.1007/s12532-017-0130-5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from evaluation_engine.domain.disclosure.one_way import ranges_of
from evaluation_engine.domain.disclosure.ranges import PROTECTION, SCORE_PROTECTION, Range, Settled
from evaluation_engine.domain.disclosure.secrets import Limits, Secrets
from evaluation_engine.domain.disclosure.tables import MINIMUM, Cell, Scale


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found of each hidden group of people. `weak` are those that can be narrowed down too far."""

    ranges: Mapping[Cell, Range]
    weak: tuple[Cell, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing hidden is given away."""
        return not self.weak


def audit(secrets: Secrets, protection: int = PROTECTION, known: Mapping[Cell, Range] | None = None) -> Audit:
    """Look for the proof for each hidden group; an empty cell is no group.

    `known` are ranges found while less was hidden: what was possible then still is.
    """
    ranges: dict[Cell, Range] = {}
    weak: list[Cell] = []
    limits, settled, scale = secrets.limits(), secrets.settled(), secrets.tables.scale
    for cells in _components(secrets, frozenset(limits)):
        found = ranges_of(secrets, cells, limits)
        if found is None:
            programme = _programme(secrets, cells, limits, known or {})
            programme.scatter(protection)
            for cell in programme.secret:
                programme.widen(cell, protection)
            found = programme.ranges
        ranges.update(found)
        weak.extend(
            cell
            for cell, one in found.items()
            if not one.people_open(protection) or (scale and not one.answers_open(cell, settled))
        )
    return Audit(dict(sorted(ranges.items())), tuple(sorted(weak)))


@dataclass(slots=True)
class _Row:
    """A sum over unknowns that equals (or, for scores against people, is at most) a number."""

    terms: dict[int, int]
    right: int


@dataclass(slots=True)
class _Programme:
    """The unknown cells that hang together, with all that is known of them; scores are numbered after people."""

    cells: tuple[Cell, ...]
    bounds: list[tuple[int, int]]
    equal: list[_Row]
    at_most: list[_Row]
    scale: Scale | None
    settled: Settled
    secret: tuple[Cell, ...] = ()
    ranges: dict[Cell, Range] = field(default_factory=dict)
    index: dict[Cell, int] = field(init=False)
    constraints: list[LinearConstraint] = field(init=False)

    def __post_init__(self) -> None:
        self.index = {cell: position for position, cell in enumerate(self.cells)}
        self.constraints = self._constraints(len(self.bounds))

    def scatter(self, protection: int) -> None:
        """Move many cells at once, up and down by the bits of their numbers: most are open after that."""
        for bit in range(len(self.cells).bit_length()):
            for turn in (-1, 1):
                shut = [self.index[cell] for cell in self.secret if not self.ranges[cell].people_open(protection)]
                if len(shut) > 2:
                    self._find({at: turn * (1 if at >> bit & 1 else -1) for at in shut}, wanted=-inf)

    def widen(self, cell: Cell, protection: int) -> None:
        """Search until a cell is open enough, or can't be."""
        at = self.index[cell]
        for sign in (-1, 1):
            if not self.ranges[cell].people_open(protection):
                self._find({at: sign})
        if self.scale is not None and self.ranges[cell].people_open(protection):
            self._widen_score(cell, at + len(self.cells), at)

    def _widen_score(self, cell: Cell, score: int, people: int) -> None:
        low, high = self.scale or (0, 0)
        lowest, highest = (cell in known for known in self.settled)
        if not lowest and self.ranges[cell].above_lowest < SCORE_PROTECTION:
            self._find({score: -1, people: low}, wanted=-SCORE_PROTECTION)
        if not highest and self.ranges[cell].below_highest < SCORE_PROTECTION:
            self._find({score: 1, people: -high}, wanted=-SCORE_PROTECTION)
        if not lowest and not highest:
            known = self.ranges[cell]
            for sign, end in ((-1, known.most_score), (1, known.least_score)):
                if not self.ranges[cell].score_open:
                    self._find({score: -sign}, wanted=-sign * end - SCORE_PROTECTION)

    def _find(self, objective: Mapping[int, int], *, wanted: float = inf) -> None:
        """Solve for the least of an objective; the whole table found widens the ranges of all cells in it.

        Whole numbers are only asked for where fractions reach what is wanted.
        """
        least, whole = self._solve(objective, integral=False)
        if whole is None and least <= wanted + 1e-6 and wanted > -inf:
            _, whole = self._solve(objective, integral=True)
        if whole is None:
            return
        for cell, at in self.index.items():
            if cell in self.ranges:
                score = whole[at + len(self.cells)] if self.scale else 0
                self.ranges[cell] = self.ranges[cell].wider(whole[at], score, self.scale)

    def _solve(self, objective: Mapping[int, int], *, integral: bool) -> tuple[float, list[int] | None]:
        """The least there is, and a table in whole numbers with it that was checked exactly, or None."""
        size = len(self.bounds)
        found = milp(
            [float(objective.get(at, 0)) for at in range(size)],
            bounds=Bounds([float(low) for low, _ in self.bounds], [float(high) for _, high in self.bounds]),
            constraints=self.constraints,
            integrality=[1 if integral else 0] * size,
        )
        if found.x is None or found.fun is None:
            return inf, None
        rounded = [round(float(value)) for value in found.x]
        reached = integral or sum(sign * rounded[at] for at, sign in objective.items()) <= float(found.fun) + 1e-6
        return float(found.fun), rounded if reached and self._holds(rounded) else None

    def _constraints(self, size: int) -> list[LinearConstraint]:
        equal = [float(row.right) for row in self.equal]
        at_most = [float(row.right) for row in self.at_most]
        made = (
            LinearConstraint(_matrix(rows, size), low, high)
            for rows, low, high in ((self.equal, equal, equal), (self.at_most, [-inf] * len(at_most), at_most))
            if rows
        )
        return list(made)

    def _holds(self, values: list[int]) -> bool:
        return (
            all(low <= value <= high for value, (low, high) in zip(values, self.bounds, strict=True))
            and all(_left(row, values) == row.right for row in self.equal)
            and all(_left(row, values) <= row.right for row in self.at_most)
        )


def _left(row: _Row, values: list[int]) -> int:
    return sum(factor * values[at] for at, factor in row.terms.items())


def _matrix(rows: list[_Row], size: int) -> csr_array:
    entries = [(at, place, float(factor)) for at, row in enumerate(rows) for place, factor in row.terms.items()]
    across, down, factors = [one[1] for one in entries], [one[0] for one in entries], [one[2] for one in entries]
    return csr_array((factors, (down, across)), shape=(len(rows), size))


def _components(secrets: Secrets, unknown: frozenset[Cell]) -> list[tuple[Cell, ...]]:
    found: list[tuple[Cell, ...]] = []
    left = set(unknown)
    for first in sorted(unknown):
        if first not in left:
            continue
        reached, stack = {first}, [first]
        while stack:
            for one in secrets.sums_of.get(stack.pop(), ()):
                new = (set(one.parts) | {one.whole}) & unknown - reached
                reached |= new
                stack.extend(new)
        left -= reached
        found.append(tuple(sorted(reached)))
    return found


def _programme(
    secrets: Secrets,
    cells: tuple[Cell, ...],
    limits: Limits,
    known: Mapping[Cell, Range],
) -> _Programme:
    scale, people = secrets.tables.scale, secrets.tables.people
    enough = 4 * max(people[cell].n for cell in cells) + 10 * MINIMUM
    bounds = [(low, enough if high is None else high) for low, high in (limits[cell] for cell in cells)]
    index = {cell: position for position, cell in enumerate(cells)}
    equal = _sums(secrets, index, score=False)
    at_most: list[_Row] = []
    if scale:
        size = len(cells)
        bounds += [(min(scale[0] * most, 0), max(scale[1] * most, 0)) for _, most in bounds]
        equal += _sums(secrets, index, score=True)
        for at in range(size):
            at_most += [_Row({at: scale[0], at + size: -1}, 0), _Row({at: -scale[1], at + size: 1}, 0)]
    made = _Programme(cells, bounds, equal, at_most, scale, secrets.settled())
    made.secret = tuple(cell for cell in cells if people[cell].n > 0)
    nothing = Range(10**18, -1, 10**18, -(10**18))
    for cell in made.secret:
        made.ranges[cell] = known.get(cell, nothing).wider(people[cell].n, people[cell].score or 0, scale)
    return made


def _sums(secrets: Secrets, index: Mapping[Cell, int], *, score: bool) -> list[_Row]:
    """Sums with an unknown in them: what is unknown on the left, what is shown on the right."""
    rows: list[_Row] = []
    for one in dict.fromkeys(one for cell in index for one in secrets.sums_of.get(cell, ())):
        terms, right = {}, 0
        for cell, factor in ((one.whole, -1), *((part, 1) for part in one.parts)):
            if cell in index:
                terms[index[cell] + (len(index) if score else 0)] = factor
            else:
                people = secrets.people(cell)
                right -= factor * ((people.score or 0) if score else people.n)
        rows.append(_Row(terms, right))
    return rows
