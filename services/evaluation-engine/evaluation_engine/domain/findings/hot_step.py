"""A step where people give up, or meet errors, more often than at the same step before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.contribution.context import OTHER
from evaluation_engine.domain.findings import words
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.mix import over_time, warned
from evaluation_engine.domain.findings.scene import FEWEST, PAST_WEEKS, Scene
from evaluation_engine.domain.findings.significance import Count, higher_rate, more_often, total

FEWEST_MORE = 5
LEAST_RATIO = 1.2
_METHOD = (
    f"this period against the same step in the {PAST_WEEKS} weeks before: Fisher's exact test for giving up, the exact "
    "conditional test for errors, both widened by the scatter of the weeks; two looks at a step count twice"
)


def find(scene: Scene) -> Iterator[Candidate]:
    """One test a step, of giving up and of errors together."""
    for step in (*scene.steps, OTHER):
        reached = scene.now.get(f"step.{step}.reached", 0)
        before = sum(one.measures.get(f"step.{step}.reached", 0) for one in scene.past)
        if reached >= FEWEST and before >= FEWEST:
            yield _look(scene, step)


def _look(scene: Scene, step: str) -> Candidate:
    left, left_before = _counts(scene, step, "abandoned")
    errors, errors_before = _counts(scene, step, "errors")
    p_left, p_errors = more_often(left, left_before), higher_rate(errors, errors_before)
    parts = [
        (p, now, total(past), text)
        for p, now, past, text in (
            (p_left, left, left_before, _left),
            (p_errors, errors, errors_before, _errors),
        )
        if p < 0.05 and _matters(now, total(past))
    ]
    if not parts:
        return Candidate.test(1.0, None)
    p_value = min(1.0, 2 * min(p for p, *_ in parts))
    more = max(_excess(now, past) for _, now, past, _ in parts)
    told = "; ".join(text(now, past) for _, now, past, text in parts)
    finding = Finding(
        kind=FindingKind.HOT_STEP,
        cause=f"step={step}",
        statement=f"At the step “{step}” {told}.",
        numbers={
            "step": step,
            "reached": left.n,
            "abandoned": left.k,
            "abandoned_share": left.share,
            "abandoned_share_before": total(left_before).share,
            "errors": errors.k,
            "errors_per_journey": errors.share,
            "errors_per_journey_before": total(errors_before).share,
            "more_abandoned_than_usual": _excess(left, total(left_before)),
            "more_errors_than_usual": _excess(errors, total(errors_before)),
        },
        method=_METHOD,
        period=scene.period,
        kpi="abandonment-by-step",
        cut=f"step={step}",
        people=more,
    )
    if any(now is left for _, now, _, _ in parts):
        rise = left.share - total(left_before).share
        finding = warned(finding, rise, over_time(scene, partial(_left_at, step)))
    return Candidate.test(p_value, finding)


def _left_at(step: str, measures: Mapping[str, int]) -> Count:
    return Count(measures.get(f"step.{step}.abandoned", 0), measures.get(f"step.{step}.reached", 0))


def _counts(scene: Scene, step: str, what: str) -> tuple[Count, list[Count]]:
    name, of = f"step.{step}.{what}", f"step.{step}.reached"
    return Count(scene.now.get(name, 0), scene.now.get(of, 0)), scene.in_past(name, of)


def _excess(now: Count, past: Count) -> float:
    return now.k - now.n * past.share


def _matters(now: Count, past: Count) -> bool:
    return _excess(now, past) >= FEWEST_MORE and now.share >= LEAST_RATIO * past.share


def _left(now: Count, past: Count) -> str:
    return (
        f"{now.k:,} of {now.n:,} journeys were given up ({words.percent(now.share)}, "
        f"before {words.percent(past.share)}): about {words.about(_excess(now, past))} more than usual"
    )


def _errors(now: Count, past: Count) -> str:
    return (
        f"{now.k:,} errors came up in {now.n:,} journeys ({100 * now.share:.0f} in a hundred, "
        f"before {100 * past.share:.0f}): about {words.about(_excess(now, past))} more than usual"
    )
