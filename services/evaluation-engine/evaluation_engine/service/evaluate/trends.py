"""What the closed periods of a service said of its targets and benchmarks, and where each target goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from civiloop_shared.contracts.evaluations import ResultState, TargetResult
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.target import Target
from evaluation_engine.domain.trend import MOST, Course, Point, course
from evaluation_engine.ports.trends import PastVerdicts, Span, VerdictHistory
from evaluation_engine.service.evaluate.compute import window_of
from evaluation_engine.service.evaluate.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class Past:
    """The verdicts of the newest closed evaluation of the cycle, and the course of every target, by its id.

    ``stamp`` is another one after another evaluation was stored.
    """

    stamp: str
    newest: PastVerdicts | None
    courses: Mapping[str, Course]


@dataclass(slots=True)
class Trends:
    """The past of services, kept until another evaluation is stored or the catalogue changes."""

    history: VerdictHistory
    _known: dict[str, tuple[int, Past]] = field(default_factory=dict)

    async def of(self, yardstick: Yardstick) -> Past:
        """Return the past of a service."""
        cycle = yardstick.cycle.value
        stamp = await self.history.stamp(yardstick.service, cycle)
        version, known = self._known.get(yardstick.service, (0, None))
        if known is not None and (known.stamp, version) == (stamp, yardstick.catalogue_version):
            return known
        past = await self.history.last(yardstick.service, cycle, MOST)
        longer = {one.id: one for one in map(yardstick.known.get, _kpis(yardstick)) if one and one.window != "period"}
        back = await self._further_back(yardstick, longer.values(), past) if longer else past
        courses = {
            target.id: _course(target, back if target.kpi in longer else past, yardstick.zone)
            for target in yardstick.targets
        }
        found = Past(stamp, past[-1] if past else None, courses)
        self._known[yardstick.service] = (yardstick.catalogue_version, found)
        return found

    async def _further_back(
        self, yardstick: Yardstick, definitions: Iterable[Definition], past: list[PastVerdicts]
    ) -> list[PastVerdicts]:
        """Return the past with those of earlier periods over which KPIs of longer windows have a value of their own."""
        if len(past) < MOST:
            return past
        cycle, dates = yardstick.cycle.value, calendar(yardstick.zone)
        spans = await self.history.closed_periods(yardstick.service, cycle)
        periods = {
            (start, end): Period(dates.date_of(ms_of(start)), dates.date_of(ms_of(end)), yardstick.zone)
            for start, end in reversed(spans)
        }
        wanted = {span for one in definitions for span in _apart(one, periods)}
        known = {(one.period.start, one.period.end) for one in past}
        earlier = await self.history.at(yardstick.service, cycle, wanted - known)
        return sorted((*earlier, *past), key=lambda one: one.period.start)


def _kpis(yardstick: Yardstick) -> Iterable[str]:
    return (target.kpi for target in yardstick.targets)


def _apart(definition: Definition, periods: Mapping[Span, Period]) -> list[Span]:
    """Return the periods, latest first as given, over which a KPI has values that share no day; `MOST` at most."""
    kept: list[Span] = []
    before: date | None = None
    for span, period in periods.items():
        window = window_of(definition, period)
        if before is None or window.end <= before:
            kept.append(span)
            before = window.start
    return kept[:MOST]


def with_course(target: TargetResult, courses: Mapping[str, Course]) -> TargetResult:
    """Return a target with the flag of its trend. Stored evaluations never get it.

    It depends on other periods, which may be revised later; an evaluation has nothing in it but its own inputs.
    """
    found = courses.get(target.target)
    if found is None:
        return target
    return target.model_copy(update={"at_risk": found.at_risk, "trend": found.sentence})


def _course(target: Target, past: Sequence[PastVerdicts], zone: str) -> Course:
    points: list[Point] = []
    unit = ""
    for evaluation in past:
        for one in evaluation.targets:
            if (one.target, one.kpi, one.result.cut) != (target.id, target.kpi, target.cut):
                continue
            unit = one.unit
            if _usable(one) and one.result.value is not None:
                span = one.result.period
                start, end = (calendar(zone).date_of(ms_of(at)) for at in (span.start, span.end))
                points.append(Point(start, end, one.result.value))
    return course(target, points, unit)


def _usable(target: TargetResult) -> bool:
    result = target.result
    return result.state is ResultState.OK and result.n >= result.minimum_to_judge
