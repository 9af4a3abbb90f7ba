"""Where each target of a service goes, from the stored evaluations of its cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from civiloop_shared.contracts.evaluations import EvaluationRecorded, ResultState, TargetResult
from evaluation_engine.domain.buckets import calendar
from evaluation_engine.domain.target import Target
from evaluation_engine.domain.trend import MOST, Course, Point, course
from evaluation_engine.ports.trends import PastTargets, TargetHistory
from evaluation_engine.service.evaluate.yardstick import Yardstick


@dataclass(slots=True)
class Trends:
    """Courses of targets, kept until another evaluation is stored or the catalogue changes."""

    history: TargetHistory
    _known: dict[str, tuple[str, int, Mapping[str, Course]]] = field(default_factory=dict)

    async def of(self, yardstick: Yardstick) -> Mapping[str, Course]:
        """Return the course of every target, by its id."""
        if not yardstick.targets:
            return {}
        cycle = yardstick.cycle.value
        stamp = await self.history.stamp(yardstick.service, cycle)
        known = self._known.get(yardstick.service)
        if known is not None and known[:2] == (stamp, yardstick.catalogue_version):
            return known[2]
        past = await self.history.last(yardstick.service, cycle, MOST)
        found = {target.id: _course(target, past, yardstick.zone) for target in yardstick.targets}
        self._known[yardstick.service] = (stamp, yardstick.catalogue_version, found)
        return found

    async def flagged(self, yardstick: Yardstick, record: EvaluationRecorded) -> EvaluationRecorded:
        """Return a record with the course of each target beside its verdict. Stored evaluations never get it.

        It depends on other periods, which may be revised later; an evaluation has nothing in it but its own inputs.
        """
        courses = await self.of(yardstick)
        return record.model_copy(update={"targets": tuple(with_course(one, courses) for one in record.targets)})


def with_course(target: TargetResult, courses: Mapping[str, Course]) -> TargetResult:
    """Return a target with the flag of its trend."""
    found = courses.get(target.target)
    if found is None:
        return target
    return target.model_copy(update={"at_risk": found.at_risk, "trend": found.sentence})


def _course(target: Target, past: Sequence[PastTargets], zone: str) -> Course:
    points: list[Point] = []
    unit = ""
    for evaluation in past:
        for one in evaluation.targets:
            if (one.target, one.kpi, one.result.cut) != (target.id, target.kpi, target.cut):
                continue
            unit = one.unit
            if _usable(one) and one.result.value is not None:
                end = calendar(zone).date_of(round(evaluation.end.timestamp() * 1000))
                points.append(Point(end, one.result.value))
    return course(target, points, unit)


def _usable(target: TargetResult) -> bool:
    result = target.result
    return result.state is ResultState.OK and result.n >= result.minimum_to_judge
