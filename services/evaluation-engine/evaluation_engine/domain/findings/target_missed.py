"""A target whose interval lies on the wrong side of its threshold."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.evaluations import FindingKind, TargetResult, Verdict
from evaluation_engine.domain.findings.finding import Candidate, Finding
from evaluation_engine.domain.findings.scene import Scene
from evaluation_engine.domain.result import display
from evaluation_engine.domain.target import between


def find(scene: Scene) -> Iterator[Candidate]:
    """One for each target that is missed: the verdict has its own interval, so no test is added."""
    titles = {one.id: one.title.get("en", one.id) for one in scene.definitions}
    for target in scene.targets:
        if target.verdict is Verdict.MISSED:
            yield Candidate.rule(_finding(scene, target, titles.get(target.kpi, target.kpi)))


def _finding(scene: Scene, target: TargetResult, title: str) -> Finding:
    result = target.result
    value = "is not reached" if result.value is None else f"is {display(result.value, target.threshold)} {result.unit}"
    wanted = f"{target.comparison.replace('_', ' ')} {target.threshold:g} {result.unit}"
    where = f" ({result.cut.replace('|', ', ')})" if result.cut else ""
    return Finding(
        kind=FindingKind.TARGET_MISSED,
        cause=f"target={target.target}",
        statement=f"{title}{where} {value} ({between(result)}n = {result.n}); wanted is {wanted}.",
        numbers={
            "target": target.target,
            "value": result.value,
            "threshold": target.threshold,
            "n": result.n,
            "short_by": None if result.value is None else abs(result.value - target.threshold),
        },
        method="the whole interval lies on the wrong side of the threshold",
        period=scene.period,
        kpi=target.kpi,
        cut=result.cut,
        people=_people(target),
        interval=result.interval,
    )


def _people(target: TargetResult) -> float:
    """How many more would have to be served well, where the KPI is a share."""
    result = target.result
    if result.value is None or result.unit != "%":
        return 0.0
    return abs(result.value - target.threshold) / 100 * result.n
