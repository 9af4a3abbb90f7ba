"""What is to be published of one KPI: counts of people by period and cut, and the sums that tie them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

MINIMUM = 10
"""Fewer people than this are never shown apart."""

Scale = tuple[int, int]
"""Lowest and highest answer: (0, 1) of a share, (1, 5) of a rating, (-1, 1) of a net score."""

Conditions = tuple[tuple[str, str], ...]


class Cell(NamedTuple):
    """One number's place; `cut` is '' (everybody), 'channel=web' or 'channel=web|language=el'."""

    period: str
    cut: str = ""


class People(NamedTuple):
    """Who is behind a cell.

    `score` is the sum of their answers in whole numbers (numerator of a share, sum of ratings, promoters minus
    detractors), None where only people are counted. `alike` says that all gave the same answer.
    """

    n: int
    score: int | None = None
    alike: bool = False


class Sum(NamedTuple):
    """A cell that is the sum of others."""

    whole: Cell
    parts: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Counts that are published together, every cell of them, and all sums among them (see `grid.tables`)."""

    people: Mapping[Cell, People]
    sums: tuple[Sum, ...]
    scale: Scale | None = None


def conditions(cut: str) -> Conditions:
    """Dimension and value of each condition of a cut."""
    pairs = (one.partition("=") for one in cut.split("|") if one)
    return tuple((name, value) for name, _, value in pairs)


def dimensions(cut: str) -> tuple[str, ...]:
    """Dimensions that a cut names; cells with the same ones are one table of their period."""
    return tuple(name for name, _ in conditions(cut))


def joined(pairs: Conditions) -> str:
    """The text of a cut, the channel first."""
    ordered = sorted(pairs, key=lambda pair: (pair[0] != "channel", pair))
    return "|".join(f"{name}={value}" for name, value in ordered)


def alike(people: People, scale: Scale | None) -> bool:
    """Whether all gave the same answer, by what is known: the flag, or a score at an end of the scale."""
    ends = scale is not None and people.score in (scale[0] * people.n, scale[1] * people.n)
    return people.n > 0 and (people.alike or ends)
