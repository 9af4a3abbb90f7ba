"""Where dissatisfaction comes from: channels, steps and groups ranked by how common they are times what they cost."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind, Interval
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import against_others, warned
from evaluation_engine.domain.findings.scene import FEWEST, Scene, satisfied
from evaluation_engine.domain.findings.significance import Count, fisher
from evaluation_engine.domain.intervals import LEVEL, newcombe

LEAST_EFFECT = 0.05
"""Satisfied share of the others minus that of the group."""

_METHOD = (
    "share of ratings 4 and 5 in the group against all others, Fisher's exact test, Newcombe interval; "
    "impact = prevalence × (overall share − share of the group)"
)


def find(scene: Scene) -> Iterator[Candidate]:
    """One test for each value of each dimension that satisfaction is kept by."""
    overall = satisfied(scene.now)
    for dimension in scene.dimensions:
        for cut, measures in scene.values(dimension):
            here = satisfied(measures)
            others = Count(overall.k - here.k, overall.n - here.n)
            if here.n >= FEWEST and others.n >= FEWEST and 0 <= others.k <= others.n:
                yield _look(scene, cut, here, others)


def _look(scene: Scene, cut: str, here: Count, others: Count) -> Candidate:
    effect = others.share - here.share
    if effect < LEAST_EFFECT:
        return Candidate.test(1.0, None)
    # the group has the smaller share of satisfied people where it has the larger share of those who are not
    p_value = fisher(Count(here.n - here.k, here.n), Count(others.n - others.k, others.n))
    everyone = here.n + others.n
    prevalence = here.n / everyone
    weight = prevalence * (1 - prevalence)
    difference = newcombe(others.k, others.n, here.k, here.n)
    interval = difference and Interval(
        low=100 * weight * difference.low, high=100 * weight * difference.high, level=LEVEL, method="newcombe"
    )
    impact = weight * effect
    finding = Finding(
        kind=FindingKind.DRIVER,
        cause=cut,
        statement=(
            f"{words.sentence(words.group(cut))} are less satisfied: {words.percent(here.share)} of {here.n:,}, "
            f"all others {words.percent(others.share)}. They are {words.percent(prevalence)} of those who rate and "
            f"take {100 * impact:.1f} points off the satisfaction of the whole service."
        ),
        numbers={
            "satisfied_share": here.share,
            "satisfied_share_others": others.share,
            "n": here.n,
            "n_others": others.n,
            "prevalence": prevalence,
            "effect_points": 100 * effect,
            "impact_points": 100 * impact,
        },
        method=_METHOD,
        period=scene.period,
        kpi="csat",
        cut=cut,
        people=here.n * effect,
        interval=interval,
    )
    return Candidate.test(p_value, warned(finding, -effect, against_others(scene, cut, satisfied)))
