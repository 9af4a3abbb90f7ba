"""All that was ever published of a KPI, kept by somebody who puts it together: over groups, revisions and periods."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import permutations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from evaluation_engine.domain.disclosure.choice import choose
from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History
from evaluation_engine.domain.disclosure.ledger import Published
from evaluation_engine.domain.disclosure.ranges import PROTECTION
from evaluation_engine.domain.disclosure.tables import MINIMUM

FIRST = date(2026, 9, 7)
WEEK = timedelta(days=7)
CHANNELS = ("app", "phone", "web")
LANGUAGES = ("el", "en")
Person = tuple[int, str, str, int]
"""Week, channel, language, answer."""


@dataclass
class World:
    """People who answered, what is published of them, and a copy of everything that was."""

    people: dict[int, Person] = field(default_factory=dict)
    editions: list[tuple[Edition, frozenset[int]]] = field(default_factory=list)

    def add(self, week: int, channel: str, language: str, answers: list[int]) -> None:
        for answer in answers:
            self.people[len(self.people)] = (week, channel, language, answer)

    def publish(self, weeks: range) -> None:
        """Evaluate some weeks as one period, and publish what may be."""
        counted = {who: one for who, one in self.people.items() if one[0] in weeks}
        one = figures(weeks, counted.values())
        found = choose([one], self._history(one))
        for (kpi, dimension), table in found.items():
            if table.new and any(count.n for count in table.cells.values()):
                cells = {cut: count._replace(shown=table.shows(cut)) for cut, count in table.cells.items()}
                made = Edition(kpi, dimension, one.start, one.end, 1, len(self.editions), cells)
                self.editions.append((made, frozenset(counted)))

    def _history(self, one: Figures) -> History:
        same: dict[tuple[str, str], tuple[Edition, ...]] = {}
        for edition, _ in self.editions:
            if (edition.start, edition.end) == (one.start, one.end):
                same[edition.kpi, edition.dimension] = (*same.get((edition.kpi, edition.dimension), ()), edition)
        totals = tuple(
            Published("", edition.kpi, "", edition.start, edition.end, edition.cells[""].n)
            for edition, _ in self.editions
            if not edition.dimension
        )
        touches = any(
            (old.start, old.end) != (one.start, one.end) and old.start < one.end and old.end > one.start
            for old in totals
        )
        return History(same, {"csat": totals} if touches else {}, frozenset({"csat"} if touches else ()))


def figures(weeks: range, people: Iterable[Person]) -> Figures:
    sums: dict[str, list[int]] = {"": []}
    for _, channel, language, answer in people:
        for cut in ("", f"channel={channel}", f"language={language}"):
            sums.setdefault(cut, []).append(answer)
    cells = {cut: Count(len(all_), sum(all_)) for cut, all_ in sorted(sums.items())}
    start, end = FIRST + WEEK * weeks.start, FIRST + WEEK * weeks.stop
    return Figures("csat", "feedback", start, end, cells, (0, 1))


def made_up(seed: int) -> World:
    """Two weeks with revisions by a few or many, then both weeks as one period; some channels are small."""
    chance = random.Random(seed)
    world = World()
    usual = {channel: chance.choice((3, 8, 15, 40)) for channel in CHANNELS}
    for week in (0, 1):
        for channel in CHANNELS:
            for language in LANGUAGES:
                number = chance.randint(0, usual[channel]) if chance.random() < 0.9 else 0
                world.add(week, channel, language, [int(chance.random() < 0.8) for _ in range(number)])
        world.publish(range(week, week + 1))
        for _ in range(3):
            for channel in chance.sample(CHANNELS, chance.randint(1, 2)):
                number = chance.choice((1, 3, 10, 14))
                world.add(week, channel, chance.choice(LANGUAGES), [int(chance.random() < 0.5) for _ in range(number)])
            world.publish(range(week, week + 1))
    world.publish(range(2))
    world.add(1, "web", "el", [1] * chance.choice((2, 12)))
    world.publish(range(1, 2))
    world.publish(range(2))
    return world


def told(world: World, edition: Edition, counted: frozenset[int]) -> dict[str, frozenset[int]]:
    """Whom each number of a table is about that readers see or compute: shown cells, and the others together."""
    of: dict[str, frozenset[int]] = {}
    for cut, count in edition.cells.items():
        name, _, value = cut.partition("=")
        place = {"": 0, "channel": 1, "language": 2}[name]
        if count.shown:
            of[cut] = frozenset(who for who in counted if not cut or world.people[who][place] == value)
    if edition.dimension:
        of[f"{edition.dimension}: others"] = counted - frozenset().union(*of.values())
    return of


@settings(max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_no_two_published_numbers_differ_by_a_few_people(seed: int) -> None:
    """Of numbers one of which is known to contain the other: a group in everybody, an edition in a later one."""
    world = made_up(seed)
    numbers = [
        (name, whom, counted)
        for edition, counted in world.editions
        for name, whom in told(world, edition, counted).items()
    ]
    assert len(numbers) > 2
    for name, whom, _ in numbers:
        assert not whom or len(whom) >= MINIMUM, name
    for (name, some, when), (other, more, then) in permutations(numbers, 2):
        if other in (name, "") and when <= then and some <= more:
            apart = more - some
            assert not apart or len(apart) >= MINIMUM, (name, other, len(apart))


@settings(max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_everything_published_together_leaves_each_hidden_group_open(seed: int) -> None:
    """By integer linear programme: one table of people for each state of each week, all published numbers at once.

    The attacker also knows that nobody is ever taken out, and how each two states are related.
    """
    world = made_up(seed)
    attack = Attack(world)
    for edition, counted in world.editions:
        for cut, count in edition.cells.items():
            if not count.shown and count.n:
                fewest, most = attack.possible(edition, counted, cut)
                assert fewest <= count.n <= most
                assert most - fewest >= PROTECTION, (seed, edition, cut)


class Attack:
    """All published numbers as equations over people by state, week, channel and language."""

    def __init__(self, world: World) -> None:
        self.world = world
        states = sorted({counted for _, counted in world.editions}, key=len)
        self.at: dict[tuple[frozenset[int], int, str, str], int] = {}
        for counted in states:
            for week in sorted({world.people[who][0] for who in counted}):
                whom = frozenset(who for who in counted if world.people[who][0] == week)
                for channel in CHANNELS:
                    for language in LANGUAGES:
                        self.at.setdefault((whom, week, channel, language), len(self.at))
        self.rows: list[tuple[dict[int, int], int, float]] = []
        for edition, counted in world.editions:
            for cut, count in edition.cells.items():
                if count.shown:
                    self.rows.append((self.sum_of(counted, cut), count.n, count.n))
        self._grow()

    def _grow(self) -> None:
        """A later state of a week has everybody of the earlier one."""
        for (whom, week, channel, language), place in self.at.items():
            for (other, same, *cell), later in self.at.items():
                if same == week and cell == [channel, language] and whom < other:
                    self.rows.append(({later: 1, place: -1}, 0, np.inf))

    def sum_of(self, counted: frozenset[int], cut: str) -> dict[int, int]:
        name, _, value = cut.partition("=")
        return {
            place: 1
            for (whom, _, channel, language), place in self.at.items()
            if whom <= counted
            and whom == frozenset(who for who in counted if self.world.people[who][0] in self._weeks(whom))
            and value == {"": "", "channel": channel, "language": language}[name]
        }

    def _weeks(self, whom: frozenset[int]) -> set[int]:
        return {self.world.people[who][0] for who in whom}

    def possible(self, edition: Edition, counted: frozenset[int], cut: str) -> tuple[int, int]:
        terms = self.sum_of(counted, cut)
        found = [self._least(terms, sign) for sign in (1, -1)]
        return round(found[0]), round(-found[1])

    def _least(self, terms: Mapping[int, int], sign: int) -> float:
        size = len(self.at)
        matrix = np.zeros((len(self.rows), size))
        for row, (factors, _, _) in enumerate(self.rows):
            for place, factor in factors.items():
                matrix[row, place] = factor
        objective = np.zeros(size)
        objective[list(terms)] = sign
        low, high = [row[1] for row in self.rows], [row[2] for row in self.rows]
        found = milp(
            objective,
            constraints=LinearConstraint(matrix, low, high),
            bounds=Bounds(0, 10_000),
            integrality=np.ones(size, np.int64),
        )
        assert found.fun is not None, "what is published contradicts itself"
        return float(found.fun)
