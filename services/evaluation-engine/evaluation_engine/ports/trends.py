"""What evaluations of the past said of targets and benchmarks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from civiloop_shared.contracts.evaluations import BenchmarkResult, Period, TargetResult

Span = tuple[datetime, datetime]
"""Start and end of a period."""


@dataclass(frozen=True, slots=True)
class PastVerdicts:
    """The verdicts of one evaluation."""

    period: Period
    targets: Sequence[TargetResult]
    benchmarks: Sequence[BenchmarkResult]


class VerdictHistory(Protocol):
    """Reads stored evaluations."""

    async def stamp(self, service: str, cycle: str) -> str:
        """Return a text that changes whenever an evaluation of the cycle is stored."""

    async def last(self, service: str, cycle: str, limit: int) -> list[PastVerdicts]:
        """Return the verdicts of the newest revisions of the last closed periods of a cycle, earliest first."""

    async def closed_periods(self, service: str, cycle: str) -> list[Span]:
        """Return all closed periods of a cycle that were evaluated, earliest first."""

    async def at(self, service: str, cycle: str, periods: Collection[Span]) -> list[PastVerdicts]:
        """Return the verdicts of the newest revisions of these closed periods of a cycle, earliest first."""
