"""A figure of a public page: chart, table and one sentence of the same numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import (
    EvaluationRecorded,
    KpiResult,
    KpiSummary,
    Period,
    ResultState,
    TargetResult,
)
from reporting.domain.disclosure import publishable, publishable_cuts


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a figure; ``value`` None where nothing may or can be shown, with the state that says why."""

    period: Period
    result: KpiResult

    @property
    def value(self) -> float | None:
        """Return the value, or None."""
        return self.result.value if self.result.state is ResultState.OK else None


@dataclass(frozen=True, slots=True)
class PartTarget:
    """A target for one part of a service, such as a channel, with what the public may see of that part."""

    target: TargetResult
    result: KpiResult


@dataclass(frozen=True, slots=True)
class Figure:
    """One KPI of a service over its closed periods, oldest first."""

    kpi: str
    points: tuple[Point, ...]
    target: TargetResult | None
    part_targets: tuple[PartTarget, ...]
    definition: KpiSummary | None
    by_channel: tuple[KpiResult, ...]

    @property
    def newest(self) -> KpiResult:
        """Return the result of the newest period."""
        return self.points[-1].result

    @property
    def threshold(self) -> float | None:
        """Return what the value is measured against, if anything."""
        return self.target.threshold if self.target else None

    @property
    def has_values(self) -> bool:
        """Say whether any period has a value."""
        return any(point.value is not None for point in self.points)

    @property
    def drawable(self) -> bool:
        """Say whether there are at least two values to draw."""
        return sum(point.value is not None for point in self.points) > 1

    @property
    def looks_back(self) -> bool:
        """Say whether each value covers more time than its period."""
        return any(point.result.period.start < point.period.start for point in self.points)


def figures(records: list[EvaluationRecorded]) -> tuple[Figure, ...]:
    """Return a figure for each KPI of the newest record; ``records`` are closed evaluations, oldest first."""
    newest = records[-1]
    definitions = {definition.id: definition for definition in newest.definitions}
    cells = _cells(newest)
    return tuple(
        Figure(
            kpi=result.kpi,
            points=_points(records, result.kpi),
            target=next((one for one in newest.targets if one.kpi == result.kpi and not one.result.cut), None),
            part_targets=tuple(
                PartTarget(one, cells.get((one.kpi, one.result.cut)) or publishable(_unknown(one.result)))
                for one in newest.targets
                if one.kpi == result.kpi and one.result.cut
            ),
            definition=definitions.get(result.kpi),
            by_channel=tuple(
                cell for (kpi, cut), cell in cells.items() if kpi == result.kpi and cut.startswith("channel=")
            ),
        )
        for result in newest.results
    )


def _points(records: list[EvaluationRecorded], kpi: str) -> tuple[Point, ...]:
    return tuple(
        Point(record.period, publishable(result))
        for record in records
        for result in record.results
        if result.kpi == kpi
    )


def _cells(record: EvaluationRecorded) -> dict[tuple[str, str], KpiResult]:
    """Return what the public may see of every single cut, by KPI and cut."""
    totals = {result.kpi: result.n for result in record.results}
    dimensions: dict[tuple[str, str], list[KpiResult]] = defaultdict(list)
    for cell in record.cuts:
        if "|" not in cell.cut:
            dimensions[cell.kpi, cell.cut.partition("=")[0]].append(cell)
    return {
        (kpi, cell.cut): cell
        for (kpi, dimension), found in dimensions.items()
        for cell in publishable_cuts(found, totals.get(kpi) if dimension != "step" else None)
    }


def _unknown(result: KpiResult) -> KpiResult:
    """Return a result of a cut whose neighbours are not known, so that nobody can say what it would give away."""
    return result.model_copy(update={"n": min(result.n, 1)})
