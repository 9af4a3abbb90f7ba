"""Whether those who answer are like those who use the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from evaluation_engine.domain.findings.significance import Count, fit

FEWEST_USERS = 100
FEWEST_ANSWERS = 100
LARGE = 0.25
"""Standardised differences from here on are large (Stuart 2010, Stat. Sci. 25:1, section 3.2); small up to 0.1."""

FEWEST_RATINGS = 30
"""Ratings that a group must have to be weighted."""


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a dimension: its share of users and of answers."""

    cut: str
    users: int
    answers: int
    user_share: float
    answer_share: float
    difference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Respondents against users by one dimension. `weighted` is the satisfied share as if everyone answered alike."""

    dimension: str
    users: int
    answers: int
    groups: tuple[Group, ...]
    p_value: float
    satisfied: float | None
    weighted: float | None

    @property
    def worst(self) -> Group:
        """The group that differs most."""
        return max(self.groups, key=lambda one: (abs(one.difference), one.cut))

    @property
    def large(self) -> bool:
        """True where some group is far from its share."""
        return abs(self.worst.difference) >= LARGE


def users_of(measures: Mapping[str, int]) -> int:
    """Those who could have answered: whose journey was completed."""
    return measures.get("e.completed", 0)


def compare(dimension: str, cuts: Mapping[str, Mapping[str, int]]) -> Comparison | None:
    """Compare by one dimension; None where there are too few users or answers, or one group only."""
    known = {cut: measures for cut, measures in cuts.items() if users_of(measures) or measures.get("answers", 0)}
    users = sum(users_of(measures) for measures in known.values())
    answers = sum(measures.get("answers", 0) for measures in known.values())
    if users < FEWEST_USERS or answers < FEWEST_ANSWERS or len(known) < 2:
        return None
    groups = tuple(
        _group(cut, users_of(one), one.get("answers", 0), users, answers) for cut, one in sorted(known.items())
    )
    p_value = fit([one.answers for one in groups], [one.users for one in groups])
    satisfied, weighted = _weighted(known, users)
    return Comparison(dimension, users, answers, groups, p_value, satisfied, weighted)


def standardised(p: float, q: float) -> float:
    """Difference of two shares in units of their mean standard deviation (Austin 2009); 0 where both are 0 or 1."""
    variance = (p * (1 - p) + q * (1 - q)) / 2
    return (p - q) / sqrt(variance) if variance > 0 else 0.0


def _group(cut: str, users: int, answers: int, all_users: int, all_answers: int) -> Group:
    p, q = answers / all_answers, users / all_users
    return Group(cut, users, answers, q, p, standardised(p, q))


def _weighted(known: Mapping[str, Mapping[str, int]], users: int) -> tuple[float | None, float | None]:
    """Satisfied share as answered, and post-stratified by the users of each group; None where a group has too few."""
    cells: list[tuple[int, Count]] = []
    for measures in known.values():
        ratings = Count(
            measures.get("rating.4", 0) + measures.get("rating.5", 0),
            sum(measures.get(f"rating.{k}", 0) for k in range(1, 6)),
        )
        if users_of(measures):
            cells.append((users_of(measures), ratings))
    rated = _sum([ratings for _, ratings in cells])
    if not rated.n:
        return None, None
    if any(ratings.n < FEWEST_RATINGS for _, ratings in cells):
        return rated.share, None
    return rated.share, sum(n * ratings.share for n, ratings in cells) / users


def _sum(counts: Sequence[Count]) -> Count:
    return Count(sum(one.k for one in counts), sum(one.n for one in counts))
