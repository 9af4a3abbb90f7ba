"""What evaluations of the past said of targets and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from civiloop_shared.contracts.evaluations import BenchmarkResult, Period, TargetResult


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
