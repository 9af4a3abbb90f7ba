"""What the evaluator reads: aggregates, how complete they are, and what of them changed. Never facts or events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from evaluation_engine.domain.buckets import Grain


@dataclass(frozen=True, slots=True)
class Span:
    """All buckets of one grain that begin in ``[from_ms, to_ms)``, of some cuts."""

    grain: Grain
    from_ms: int
    to_ms: int
    cuts: frozenset[str]


class Row(NamedTuple):
    """Aggregates of one bucket and cut, which may have several rows.

    ``data`` is a canonical JSON object. ``of_day``: they are those of a day within the month that begins at
    ``start_ms``, of which survival is no part.
    """

    cut: str
    start_ms: int
    data: str
    of_day: bool = False


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """A day that has aggregates, and when any of them changed last."""

    start_ms: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """All days of a service that have aggregates. ``read_at`` is the database's clock at that moment."""

    days: tuple[ChangedDay, ...]
    read_at: datetime


class MeasureReader(Protocol):
    """Reads aggregates. A read is one snapshot."""

    async def read(self, service: str, spans: Sequence[Span]) -> list[list[Row]]:
        """Return the rows of each span, of all topics, gathered or not, in no order."""

    async def complete_until(self) -> datetime | None:
        """Return the instant up to which every record that Kafka had is counted; None while that isn't known."""

    async def generations(self) -> Mapping[str, int]:
        """Return a number for each service that grows with every committed change of its aggregates."""

    async def changed_days(self, service: str) -> ChangedDays:
        """Return which days have aggregates and when they changed."""


class Election(Protocol):
    """Makes one replica the evaluator of a service."""

    async def hold(self, services: Collection[str]) -> frozenset[str]:
        """Stand for these services, let go of all others; return those that are held now."""

    async def release(self) -> None:
        """Let go of all."""
