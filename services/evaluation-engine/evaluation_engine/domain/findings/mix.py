"""Like with like: a difference between two groups can come from their mix of channels, and turn round within each.

Simpson 1951, "The interpretation of interaction in contingency tables", doi:10.1111/j.2517-6161.1951.tb00088.x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from evaluation_engine.domain.findings.finding import Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.findings.significance import Count

LEAST_TURN = 0.01
"""A difference within channels of less than a point may as well be none: half of all noise points the other way."""

Counting = Callable[[Mapping[str, int]], Count]


class Stratum(NamedTuple):
    """Both sides of a comparison on one channel."""

    here: Count
    there: Count


def within(strata: Iterable[Stratum]) -> float | None:
    """Difference of shares, here less there, as it is within strata; None where none of them has both sides.

    Weighted by n₁·n₂ / (n₁ + n₂): Mantel, Haenszel 1959, doi:10.1093/jnci/22.4.719; Cochran 1954, doi:10.2307/3001616.
    """
    weights = [
        (here.n * there.n / (here.n + there.n), here.share - there.share)
        for here, there in strata
        if here.n and there.n
    ]
    of = sum(weight for weight, _ in weights)
    return sum(weight * difference for weight, difference in weights) / of if of else None


def warned(finding: Finding, difference: float, strata: Iterable[Stratum]) -> Finding:
    """Return the finding, with a warning where its difference of shares points the other way within channels.

    `difference` is the one that it tells, here less there.
    """
    alike = within(strata)
    if alike is None or difference * alike >= 0 or round(abs(alike), 9) < LEAST_TURN:
        return finding
    warning = (
        f"Mind the mix of channels: compared channel by channel, the difference is {100 * abs(alike):.1f} points the "
        "other way."
    )
    return replace(
        finding,
        statement=f"{finding.statement} {warning}",
        numbers={**finding.numbers, "points_within_channels": 100 * alike},
    )


def over_time(scene: Scene, count: Counting) -> Iterator[Stratum]:
    """Each channel now and over the past weeks."""
    for cut, measures in scene.values("channel"):
        yield _stratum(count, measures, scene.past_cuts.get(cut, {}))


def between(scene: Scene, here: str, there: str, count: Counting) -> Iterator[Stratum]:
    """Two groups of one dimension on each channel."""
    for channel, _ in scene.values("channel"):
        yield _stratum(count, scene.pairs.get(f"{channel}|{here}", {}), scene.pairs.get(f"{channel}|{there}", {}))


def against_others(scene: Scene, here: str, count: Counting) -> Iterator[Stratum]:
    """A group and all others on each channel."""
    for channel, measures in scene.values("channel"):
        group, everybody = count(scene.pairs.get(f"{channel}|{here}", {})), count(measures)
        yield Stratum(group, Count(everybody.k - group.k, everybody.n - group.n))


def _stratum(count: Counting, here: Mapping[str, int], there: Mapping[str, int]) -> Stratum:
    return Stratum(count(here), count(there))
