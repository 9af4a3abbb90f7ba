"""Those who answer are not like those who use the service."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.quality.respondents import Comparison, compare


def find(scene: Scene) -> Iterator[Candidate]:
    """One test for each dimension that both users and answers are kept by."""
    for dimension in scene.dimensions:
        if dimension == "step":
            continue
        comparison = compare(dimension, dict(scene.values(dimension)))
        if comparison is not None:
            yield Candidate.test(comparison.p_value, _finding(scene, comparison) if comparison.large else None)


def _finding(scene: Scene, one: Comparison) -> Finding:
    worst = one.worst
    return Finding(
        kind=FindingKind.RESPONSE_BIAS,
        cause=one.dimension,
        statement=(
            f"{words.sentence(words.group(worst.cut))} are {words.percent(worst.user_share)} of users but "
            f"{words.percent(worst.answer_share)} of those who answer{_weighting(one)}."
        ),
        numbers={
            "dimension": one.dimension,
            "group": worst.cut,
            "user_share": worst.user_share,
            "answer_share": worst.answer_share,
            "standardised_difference": worst.difference,
            "users": one.users,
            "answers": one.answers,
            "satisfied_share": one.satisfied,
            "satisfied_share_weighted": one.weighted,
        },
        method=(
            "answers against completed journeys by this dimension: standardised difference of at least 0.25, "
            "chi-square test of fit; weighted = post-stratified"
        ),
        period=scene.period,
        kpi="csat",
        cut=worst.cut,
        tone="notice",
        people=abs(worst.answer_share - worst.user_share) * one.answers,
    )


def _weighting(one: Comparison) -> str:
    if one.satisfied is None or one.weighted is None:
        return ""
    return (
        f"; weighted to the users, {words.percent(one.weighted)} would be satisfied "
        f"instead of {words.percent(one.satisfied)}"
    )
