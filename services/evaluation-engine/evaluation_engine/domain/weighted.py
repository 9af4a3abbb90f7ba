"""A KPI over several services, weighted by volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import KpiResult
from evaluation_engine.domain.estimated import proportion
from evaluation_engine.domain.intervals import LEVEL, Bounds
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import Proportion


@dataclass(frozen=True, slots=True)
class Weighted:
    """A value over `counted` of `services`; only shares have an interval, of the pooled counts."""

    value: float | None
    n: int
    counted: int
    services: int
    bounds: Bounds | None = None

    @property
    def in_words(self) -> str:
        """Of how many services it speaks."""
        return f"{self.counted} of {self.services} services"


def weighted(definition: Definition, results: Sequence[KpiResult], services: int) -> Weighted:
    """Each result weighs as much as it has answers, journeys or cases; what has no value takes no part and is said."""
    usable = [one for one in results if one.value is not None and one.n > 0]
    n = sum(one.n for one in usable)
    if not n:
        return Weighted(None, 0, 0, services)
    if isinstance(definition.measure, Proportion):
        pooled = proportion(
            sum(one.numerator or 0 for one in usable), sum(one.denominator or 0 for one in usable), LEVEL
        )
        return Weighted(pooled.value, n, len(usable), services, pooled.bounds)
    return Weighted(sum((one.value or 0) * one.n for one in usable) / n, n, len(usable), services)
