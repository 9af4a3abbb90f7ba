"""Where problems are recorded that monitoring found, and what its rules remember."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Remembered:
    """The state of one alert after its last tick."""

    tick: datetime
    memory: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one alert did at one tick: ``opens`` and ``closes`` say whether a problem begins or ends with it."""

    subject: str
    severity: str
    tick: datetime
    memory: Mapping[str, Any]
    details: Mapping[str, Any]
    opens: bool
    closes: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: what was the case when it opened, and at the last look."""

    id: int
    service: str
    kind: str
    subject: str
    severity: str
    opened_at: datetime
    closed_at: datetime | None
    opened: Mapping[str, Any]
    latest: Mapping[str, Any]


class ProblemStore(Protocol):
    """Keeps problems. One evaluator at a time writes those of a service."""

    async def remembered(self, service: str) -> Mapping[str, Remembered]:
        """Return the state of every alert of a service, by subject."""

    async def record(self, service: str, body: str, kind: str, steps: Sequence[Step]) -> None:
        """Store states, open and close problems, and tell webhooks, all in one transaction; steps in order of time."""

    async def drop(self, service: str, body: str, kind: str, watched: Collection[str], at: datetime) -> None:
        """Forget alerts that are no longer watched, and close their problems."""

    async def of(self, service: str, *, open_only: bool, before: int | None, limit: int) -> list[Problem]:
        """Return problems, newest first."""
