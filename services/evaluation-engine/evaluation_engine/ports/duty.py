"""What those on duty look at: open problems by service and severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from evaluation_engine.ports.webhooks import Backlog


@dataclass(frozen=True, slots=True)
class OpenProblems:
    """How many problems of a severity a service has, and since when the oldest is open."""

    service: str
    severity: str
    n: int
    oldest_at: datetime


class ProblemCount(Protocol):
    """Counts what is open."""

    async def open_now(self) -> Sequence[OpenProblems]:
        """Return the open problems of all services."""


class DutyObserver(Protocol):
    """Is told what there is to look at."""

    def on_duty(self, problems: Sequence[OpenProblems], backlog: Backlog) -> None:
        """Show this in place of what was shown."""
