"""KPI definitions: data with a version, a stated goal and a source, never code of their own.

`measure` says how a value is made from the measures of the aggregates; `result.py` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

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
class Terms:
    """A sum of measures, some taken off: `plus - minus`."""

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def of(self, measures: Mapping[str, int]) -> int:
        """The sum over a map."""
        return sum(measures.get(name, 0) for name in self.plus) - sum(measures.get(name, 0) for name in self.minus)


@dataclass(frozen=True, slots=True)
class Proportion:
    """Counts over counts, as %; Wilson."""

    numerator: Terms
    denominator: Terms


@dataclass(frozen=True, slots=True)
class PerStep:
    """A proportion of journeys, and of those who reached a step where the cut names one, as %; Wilson."""

    overall: Proportion
    numerator: str = "abandoned"
    denominator: str = "reached"


@dataclass(frozen=True, slots=True)
class NetScore:
    """Share of promoters minus share of detractors, in points from -100 to 100; adjusted Wald."""

    promoters: Terms
    detractors: Terms
    answers: Terms


@dataclass(frozen=True, slots=True)
class DurationMean:
    """Plain mean of the durations of finished cases, in days; Student's t."""

    prefix: str


@dataclass(frozen=True, slots=True)
class DurationQuantile:
    """Quantile of the durations of finished cases, in days; order statistics."""

    prefix: str
    q: float


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time to fulfilment up to a horizon with open cases censored, in days; Greenwood."""

    horizon_days: int


@dataclass(frozen=True, slots=True)
class SurvivalQuantile:
    """Time by which a share is fulfilled, with open cases and competing ends, in days."""

    q: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured total over a count; delta method over buckets."""

    total: str
    count: Terms


Measure = Proportion | PerStep | NetScore | DurationMean | DurationQuantile | RestrictedMean | SurvivalQuantile | Ratio


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

    @property
    def start_days_needed(self) -> bool:
        """True when the value needs one map of measures for each start day."""
        return isinstance(self.measure, RestrictedMean | SurvivalQuantile)


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
