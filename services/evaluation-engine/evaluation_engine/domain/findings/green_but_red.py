"""Every target of the agency is met while a target about its citizens is missed."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind, Verdict
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.result import display


def find(scene: Scene) -> Iterator[Candidate]:
    """A rule: at least one agency target is met and none missed, and at least one citizen target is missed."""
    citizens = {
        one.id for one in scene.definitions if one.family == "customer_satisfaction" or one.outcome == "citizen"
    }
    green = [one for one in scene.targets if one.kpi not in citizens and one.verdict is Verdict.MET]
    broken = [one for one in scene.targets if one.kpi not in citizens and one.verdict is Verdict.MISSED]
    red = [one for one in scene.targets if one.kpi in citizens and one.verdict is Verdict.MISSED]
    if not green or broken or not red:
        return
    worst = red[0]
    value = "not reached" if worst.result.value is None else display(worst.result.value, worst.threshold)
    yield Candidate.rule(
        Finding(
            kind=FindingKind.GREEN_BUT_RED,
            cause="|".join(sorted(one.target for one in red)),
            statement=(
                f"The agency's own targets are met ({', '.join(one.target for one in green)}), but not what citizens "
                f"were promised: {', '.join(one.target for one in red)} "
                f"({worst.kpi} {value} {worst.unit}, wanted {worst.comparison.replace('_', ' ')} {worst.threshold:g})."
            ),
            numbers={"met": len(green), "missed": len(red), "first_missed": worst.target},
            method="verdicts of the targets, each by its own interval",
            period=scene.period,
            kpi=worst.kpi,
            cut=worst.result.cut,
        )
    )
