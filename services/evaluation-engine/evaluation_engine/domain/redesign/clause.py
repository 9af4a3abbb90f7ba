"""One evaluated criterion of a benchmark at one level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from civiloop_shared.contracts.evaluations import KpiResult
from evaluation_engine.domain.redesign.kleene import Truth
from evaluation_engine.domain.rule import Memory, Side, Status

Level = Literal["redesign", "reimplement", "goal"]


@dataclass(frozen=True, slots=True)
class Clause:
    """`truth` is True when the limit is breached (or the goal missed), None when it can't be known."""

    rule: str
    kpi: str
    level: Level
    side: Side
    threshold: float
    critical: bool
    weight: float
    truth: Truth
    state: str
    observed: float | None
    result: KpiResult | None
    before: Status
    memory: Memory | None
    clear: float

    @property
    def margin(self) -> float | None:
        """How far the observed number lies from the threshold: negative on the bad side, None where there is none."""
        if self.observed is None:
            return None
        return self.observed - self.threshold if self.side == "below" else self.threshold - self.observed
