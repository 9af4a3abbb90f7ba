"""A number with its interval, and the commonest of them: a share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation_engine.domain import intervals
from evaluation_engine.domain.intervals import Bounds
from evaluation_engine.domain.kpi_measures import Sum


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value in the unit of the KPI, or None; `n` is what the minimum sample is compared with."""

    value: float | None
    n: int
    method: str
    bounds: Bounds | None = None
    numerator: float | None = None
    denominator: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def number(of: Sum, found: Mapping[str, int]) -> float:
    """A sum over a map: whole where it is whole."""
    total = of.of(found)
    return int(total) if total == int(total) else float(total)


def proportion(count: float, n: float, level: float, details: Mapping[str, Any] | None = None) -> Estimate:
    """Share in % with Wilson's interval; no interval where the count can't be one of a share."""
    inside = 0 <= count <= n
    bounds = intervals.wilson(count, n, level) if inside else None
    return Estimate(
        value=100 * count / n if n > 0 else None,
        n=max(int(n), 0),
        method="wilson",
        bounds=Bounds(100 * bounds.low, 100 * bounds.high) if bounds else None,
        numerator=count,
        denominator=n,
        details=details or {},
    )
