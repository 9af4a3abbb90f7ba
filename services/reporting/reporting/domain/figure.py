"""A figure of a public page: chart, table and one sentence of the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from civiloop_shared.contracts.evaluations import EvaluationRecorded, KpiResult, KpiSummary, ResultState, TargetResult
from reporting.domain.disclosure import publishable, publishable_cuts


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a figure; ``value`` None where nothing may or can be shown, with the state that says why."""

    start: datetime
    result: KpiResult

    @property
    def value(self) -> float | None:
        """Return the value, or None."""
        return self.result.value if self.result.state is ResultState.OK else None


@dataclass(frozen=True, slots=True)
class Figure:
    """One KPI of a service over its closed periods, oldest first."""

    kpi: str
    points: tuple[Point, ...]
    target: TargetResult | None
    definition: KpiSummary | None
    by_channel: tuple[KpiResult, ...]

    @property
    def newest(self) -> KpiResult:
        """Return the result of the newest period."""
        return self.points[-1].result

    @property
    def drawable(self) -> bool:
        """Say whether there are at least two values to draw."""
        return sum(point.value is not None for point in self.points) > 1


def figures(records: list[EvaluationRecorded]) -> tuple[Figure, ...]:
    """Return a figure for each KPI of the newest record; ``records`` are closed evaluations, oldest first."""
    newest = records[-1]
    targets = {target.kpi: target for target in reversed(newest.targets)}
    definitions = {definition.id: definition for definition in newest.definitions}
    return tuple(
        Figure(
            kpi=result.kpi,
            points=_points(records, result.kpi),
            target=targets.get(result.kpi),
            definition=definitions.get(result.kpi),
            by_channel=_by_channel(newest, result.kpi),
        )
        for result in newest.results
    )


def _points(records: list[EvaluationRecorded], kpi: str) -> tuple[Point, ...]:
    return tuple(
        Point(record.period.start, publishable(result))
        for record in records
        for result in record.results
        if result.kpi == kpi
    )


def _by_channel(record: EvaluationRecorded, kpi: str) -> tuple[KpiResult, ...]:
    cells = [cut for cut in record.cuts if cut.kpi == kpi and cut.cut.startswith("channel=") and "|" not in cut.cut]
    return publishable_cuts(cells)
