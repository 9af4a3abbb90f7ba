"""A figure of a public page: chart, table and one sentence of the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import (
    EvaluationRecorded,
    KpiResult,
    KpiSummary,
    Period,
    Publication,
    PublishedTarget,
    ResultState,
)


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a figure; ``value`` None where nothing may or can be shown, with the state that says why.

    ``edition`` is the evaluation that it is from (number/revision): an earlier one than that of the ``period`` where a
    later one would have told of a few people.
    """

    period: Period
    result: KpiResult
    edition: str

    @property
    def value(self) -> float | None:
        """Return the value, or None."""
        return self.result.value if self.result.state is ResultState.OK else None


@dataclass(frozen=True, slots=True)
class Figure:
    """One KPI of a service over its published periods, oldest first; ``cuts`` are the groups of the newest.

    ``part_targets`` are targets for a part of the service, such as a channel.
    """

    kpi: str
    points: tuple[Point, ...]
    target: PublishedTarget | None
    part_targets: tuple[PublishedTarget, ...]
    definition: KpiSummary | None
    cuts: tuple[Point, ...]

    @property
    def newest(self) -> KpiResult:
        """Return the result of the newest period."""
        return self.points[-1].result

    @property
    def by_channel(self) -> tuple[KpiResult, ...]:
        """Return the results of the channels."""
        return tuple(one.result for one in self.cuts if one.result.cut.startswith("channel="))

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
    """Return a figure for each KPI of the newest record; ``records`` are published evaluations, oldest first."""
    newest = records[-1]
    definitions = {definition.id: definition for definition in newest.definitions}
    shown = newest.published or Publication()
    return tuple(
        Figure(
            kpi=result.kpi,
            points=tuple(
                _point(record, one) for record in records for one in _results(record) if one.kpi == result.kpi
            ),
            target=next((one for one in shown.targets if one.kpi == result.kpi and not one.result.cut), None),
            part_targets=tuple(one for one in shown.targets if one.kpi == result.kpi and one.result.cut),
            definition=definitions.get(result.kpi),
            cuts=tuple(_point(newest, one) for one in shown.cuts if one.kpi == result.kpi),
        )
        for result in shown.results
    )


def _results(record: EvaluationRecorded) -> tuple[KpiResult, ...]:
    return record.published.results if record.published else ()


def _point(record: EvaluationRecorded, result: KpiResult) -> Point:
    dimension = result.cut.partition("=")[0]
    table = f"{result.kpi}/{dimension}" if dimension else result.kpi
    kept = record.published.kept if record.published else {}
    return Point(record.period, result, kept.get(table, f"{record.number}/{record.revision}"))
