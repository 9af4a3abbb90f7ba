"""What people write about: themes that came up or rise, and themes that go with low scores."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind, Interval
from evaluation_engine.domain.comments.impact import LEAST_COMMENTS, Impact, impacts
from evaluation_engine.domain.comments.trend import Trend, trends
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.intervals import LEVEL

LEAST_RISE = 0.02
"""Share of comments with the theme minus that of the periods before."""

LEAST_GAP = 0.25
"""Overall mean minus the mean with the theme, in points of the five-point scale."""

_RISING = (
    "share of comments with the theme against up to twelve earlier periods of the same length, the larger p-value of "
    "Fisher's exact test and a quasi-binomial one"
)
_DRIVER = (
    "mean rating of comments with the theme against that of all comments with a rating, exact permutation test; "
    "impact = prevalence × (overall mean − mean with the theme), interval by the delta method"
)


def rising(scene: Scene) -> Iterator[Candidate]:
    """One test for each theme with enough comments, now and before together."""
    for one in trends(scene.now, scene.before):
        rise = one.now.share - one.before.share
        told = one.now.k >= LEAST_COMMENTS and rise >= LEAST_RISE
        yield Candidate.test(one.p, _rising(scene, one, rise) if told else None)


def drivers(scene: Scene) -> Iterator[Candidate]:
    """One test for each theme with enough comments that have a rating."""
    for one in impacts(scene.now):
        told = one.overall - one.mean >= LEAST_GAP
        yield Candidate.test(one.p, _driver(scene, one) if told else None)


def _rising(scene: Scene, one: Trend, rise: float) -> Finding:
    before = (
        f"before {words.percent(one.before.share)} of {one.before.n:,}"
        if one.before.k
        else f"it did not come up in {one.before.n:,} before"
    )
    return Finding(
        kind=FindingKind.THEME_RISING,
        cause=f"theme={one.theme}",
        statement=(
            f"More people write about “{scene.theme(one.theme)}”: {one.now.k:,} of {one.now.n:,} comments "
            f"({words.percent(one.now.share)}), {before}."
        ),
        numbers={
            "comments": one.now.k,
            "share": one.now.share,
            "share_before": one.before.share,
            "n": one.now.n,
            "n_before": one.before.n,
            "new": int(not one.before.k),
        },
        method=_RISING,
        period=scene.period,
        kpi="csat",
        people=one.now.n * rise,
    )


def _driver(scene: Scene, one: Impact) -> Finding:
    return Finding(
        kind=FindingKind.THEME_DRIVER,
        cause=f"theme={one.theme}",
        statement=(
            f"Those who write about “{scene.theme(one.theme)}” rate {one.mean:.1f} on average, all who comment "
            f"{one.overall:.1f}. They are {words.percent(one.prevalence)} of comments with a rating and go with "
            f"{one.impact:.2f} points of the mean."
        ),
        numbers={
            "comments": one.n,
            "rated": one.rated,
            "prevalence": one.prevalence,
            "mean": one.mean,
            "mean_overall": one.overall,
            "impact_points": one.impact,
        },
        method=_DRIVER,
        period=scene.period,
        kpi="csat",
        people=one.rated * (one.overall - one.mean) / 4,
        interval=Interval(low=one.low, high=one.high, level=LEVEL, method="delta"),
    )
