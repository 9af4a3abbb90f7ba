"""KPI definitions: data with a version, a stated goal and a source, never code of their own.

`measure` says how a value is made from the measures of the aggregates; `result.py` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Gap,
    Measure,
    NetScore,
    PerStep,
    Proportion,
    Rate,
    Ratio,
    Response,
    RestrictedMean,
    SurvivalQuantile,
    Terms,
)
from evaluation_engine.domain.where import SignedCut, Where

__all__ = [
    "DAY_MS",
    "Definition",
    "DurationMean",
    "DurationQuantile",
    "Level",
    "Measure",
    "Need",
    "NetScore",
    "PerStep",
    "Proportion",
    "Ratio",
    "RestrictedMean",
    "SurvivalQuantile",
    "Terms",
    "faults",
]

Family = Literal["it_performance", "business_performance", "customer_satisfaction"]
Direction = Literal["up", "down"]
Source = Literal["feedback", "journeys", "measurements"]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Need:
    """Something a service must send: `measures` are the names, or their beginnings, by which its arrival is seen."""

    name: str
    source: Source
    fields: str
    measures: tuple[str, ...]

    def arrives_in(self, measures: Mapping[str, int]) -> bool:
        """True when a map holds something of it."""
        return any(n > 0 and name.startswith(self.measures) for name, n in measures.items())


@dataclass(frozen=True, slots=True)
class Level:
    """From where on an official scale calls it `name`; a `strict` threshold itself is not enough."""

    name: str
    threshold: float
    strict: bool = False

    def reached(self, value: float, direction: Direction) -> bool:
        """Whether a value is on the good side."""
        if value == self.threshold:
            return not self.strict
        return value > self.threshold if direction == "up" else value < self.threshold


@dataclass(frozen=True, slots=True)
class Definition:
    """One KPI, one version; `anchor` and `channel_of` say where a journey counts.

    `scale` is the range in the unit of the KPI.
    """

    id: str
    version: int
    title: Mapping[str, str]
    family: Family
    outcome: Literal["citizen", "business", "service"]
    aspect: Literal["effectiveness", "efficiency"]
    nature: Literal["qualitative", "quantitative"]
    goal: str
    signal: str
    formula: str
    source: str
    measure: Measure
    unit: str
    direction: Direction
    needs: tuple[Need, ...]  # what the denominator needs comes first
    interval: str
    scale: tuple[float, float | None] = (0.0, None)
    anchor: Literal["start", "end", "answer", "day"] = "answer"
    channel_of: Literal["first", "last", "any"] = "first"
    window: str = "period"
    dimensions: tuple[str, ...] = ("channel", "language", "assisted", "segment")
    minimum_to_show: int = 30
    minimum_to_judge: int = 100
    it_kind: Literal["technology", "process", "service"] | None = None
    owner: str = "civiloop"
    valid_from: date = date(2026, 1, 1)
    parameters: Mapping[str, float] = field(default_factory=dict)
    pack: str = "core"
    levels: tuple[Level, ...] = ()  # best first
    where: Where | None = None  # the part of the service that it is about
    below_levels: str = "below"  # the name of what reaches none of them
    decimals: int | None = None  # of the published figure, where the definition says so

    @property
    def start_days_needed(self) -> bool:
        """True when the value needs one map of measures for each start day."""
        return isinstance(self.measure, RestrictedMean | SurvivalQuantile)

    @property
    def buckets_needed(self) -> bool:
        """True when the interval needs the parts of the period."""
        return isinstance(self.measure, Ratio | Rate)

    def reads(self, cut: str) -> tuple[SignedCut, ...]:
        """The kept cuts that its numbers within a cut are made of."""
        return ((1, cut),) if self.where is None else self.where.cuts(cut)

    @property
    def compared_by(self) -> tuple[str, ...]:
        """Dimensions whose groups are needed beside the total."""
        if isinstance(self.measure, Gap):
            return (self.measure.dimension,)
        return ("channel", "segment") if isinstance(self.measure, Response) else ()


def faults(definitions: Iterable[Definition]) -> list[str]:
    """Everything that keeps definitions from being used, one sentence each; a KPI without a stated goal is refused."""
    found: list[str] = []
    seen: set[tuple[str, int]] = set()
    for one in definitions:
        if (one.id, one.version) in seen:
            found.append(f"{one.id}: version {one.version} is defined twice")
        seen.add((one.id, one.version))
        found.extend(
            f"{one.id}: {what} is missing" for what in ("goal", "signal", "formula", "source") if not _has(one, what)
        )
        if not one.needs:
            found.append(f"{one.id}: names no event or field that it needs")
        if (one.family == "it_performance") != (one.it_kind is not None):
            found.append(f"{one.id}: it_kind goes with the family it_performance and with no other")
        if not 1 <= one.minimum_to_show <= one.minimum_to_judge:
            found.append(f"{one.id}: minimum_to_show must be at least 1 and at most minimum_to_judge")
    return found


def _has(definition: Definition, name: str) -> bool:
    return bool(str(getattr(definition, name)).strip())
