"""What a theme costs: prevalence × (overall mean − mean with the theme), from counts in the aggregates.

In the population of comments with a rating this is minus the covariance of "has the theme" and "rating":
what the overall mean would gain if the people with the theme rated like all do. Positive: satisfaction is
lost there; negative: it is earned there. It says what goes together, not what causes what. The interval is that
of a mean of products (delta method, Casella and Berger 2002, 5.5.4), with the degrees of freedom of the smaller group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

from evaluation_engine.domain.comments.permutation import permutation_p
from evaluation_engine.domain.findings.significance import FALSE_DISCOVERIES, benjamini_hochberg
from evaluation_engine.domain.intervals import LEVEL, student_quantile

SCORES: Final = range(1, 6)
LEAST_COMMENTS: Final = 10


@dataclass(frozen=True, slots=True)
class Impact:
    """A theme ranked by what it costs: `n` comments have it, `rated` with a rating; `prevalence` is of rated comments.

    Values from `impact` on are in points of the rating scale. `found` is true when the false discovery rate over
    all themes tested stays within 5 %.
    """

    theme: str
    n: int
    rated: int
    prevalence: float
    mean: float
    overall: float
    impact: float
    low: float
    high: float
    p: float
    q: float
    found: bool


def themes_in(measures: Mapping[str, int]) -> tuple[str, ...]:
    """Ids of all themes that aggregates hold."""
    names = (name for name in measures if name.startswith("theme.") and name.endswith(".n"))
    return tuple(sorted(name.removeprefix("theme.").removesuffix(".n") for name in names))


def impacts(measures: Mapping[str, int], level: float = LEVEL) -> tuple[Impact, ...]:
    """Every theme with at least ten rated comments (and ten without it), the costliest first."""
    everything = [measures.get(f"comment.rating.{score}", 0) for score in SCORES]
    tested = []
    for theme in themes_in(measures):
        drawn = [measures.get(f"theme.{theme}.rating.{score}", 0) for score in SCORES]
        if sum(drawn) >= LEAST_COMMENTS and sum(everything) - sum(drawn) >= LEAST_COMMENTS:
            tested.append((theme, drawn, permutation_p(drawn, everything)))
    adjusted = benjamini_hochberg([p for _, _, p in tested])
    found = [
        _impact(theme, measures[f"theme.{theme}.n"], drawn, everything, (p, q), level)
        for (theme, drawn, p), q in zip(tested, adjusted, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.impact, one.theme)))


def _impact(
    theme: str, n: int, drawn: list[int], everything: list[int], chances: tuple[float, float], level: float
) -> Impact:
    size, rated = sum(everything), sum(drawn)
    prevalence = rated / size
    overall = sum(score * count for score, count in zip(SCORES, everything, strict=True)) / size
    mean = sum(score * count for score, count in zip(SCORES, drawn, strict=True)) / rated
    value = prevalence * (overall - mean)
    spread = 0.0
    for score, with_it, of_all in zip(SCORES, drawn, everything, strict=True):
        for has, count in ((1, with_it), (0, of_all - with_it)):
            spread += count * ((has - prevalence) * (overall - score) - value) ** 2
    half = student_quantile(level, min(rated, size - rated) - 1) * sqrt(spread / (size - 1) / size)
    p, q = chances
    return Impact(
        theme, n, rated, prevalence, mean, overall, value, value - half, value + half, p, q, q <= FALSE_DISCOVERIES
    )
