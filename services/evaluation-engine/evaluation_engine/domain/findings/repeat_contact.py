"""More people than before need help, meet an error or have to come back before they get their outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import over_time, warned
from evaluation_engine.domain.findings.scene import FEWEST, PAST_WEEKS, Scene
from evaluation_engine.domain.findings.significance import Count, more_often, total

LEAST_RISE = 0.03


def find(scene: Scene) -> Iterator[Candidate]:
    """One test: those fulfilled with help, error or resumption of those fulfilled, against the service's own past."""
    now, past = _again(scene.now), [_again(one.measures) for one in scene.past]
    before = total(past)
    if now.n < FEWEST or before.n < FEWEST:
        return
    if now.share - before.share < LEAST_RISE:
        yield Candidate.test(1.0, None)
        return
    more = now.k - now.n * before.share
    finding = Finding(
        kind=FindingKind.REPEAT_CONTACT,
        cause="not-at-the-first-attempt",
        statement=(
            f"{words.percent(now.share)} of {now.n:,} people who got their outcome needed help, met an error or had to "
            f"come back (before {words.percent(before.share)}): about {words.about(more)} more than usual."
        ),
        numbers={
            "share": now.share,
            "share_before": before.share,
            "n": now.n,
            "n_before": before.n,
            "more_than_usual": more,
        },
        method=f"this period against the {PAST_WEEKS} weeks before: Fisher's exact test, widened by their scatter",
        period=scene.period,
        kpi="first-time-success",
        people=more,
    )
    yield Candidate.test(more_often(now, past), warned(finding, now.share - before.share, over_time(scene, _again)))


def _again(measures: Mapping[str, int]) -> Count:
    fulfilled = measures.get("j.fulfilled", 0)
    return Count(max(0, fulfilled - measures.get("j.first_time", 0)), fulfilled)
