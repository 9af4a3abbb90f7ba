"""What evaluations of the past said of targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from civiloop_shared.contracts.evaluations import TargetResult


@dataclass(frozen=True, slots=True)
class PastTargets:
    """The targets of one evaluation."""

    end: datetime
    targets: Sequence[TargetResult]


class TargetHistory(Protocol):
    """Reads stored evaluations."""

    async def stamp(self, service: str, cycle: str) -> str:
        """Return a text that changes whenever an evaluation of the cycle is stored."""

    async def last(self, service: str, cycle: str, limit: int) -> list[PastTargets]:
        """Return the targets of the newest revisions of the last closed periods of a cycle, earliest first."""
