"""What is needed to gather changes into aggregates, and to make months of closed days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.contribution.address import Cell


class Waiting(NamedTuple):
    """A service whose changes are to be gathered, and its time zone."""

    service: str
    zone: str


class Change(NamedTuple):
    """What one batch changed of a service, as `Batch.take` reads it, and when."""

    topic: str
    text: str
    changed_at: datetime


class Much(NamedTuple):
    """How much may wait or be gathered at once: so many changes, or so many bytes of them."""

    rows: int
    size: int


class Changed(NamedTuple):
    """What a cell holds now, and when its numbers last changed."""

    measures: Measures
    changed_at: datetime


class Bucket(NamedTuple):
    """A day or a month of one topic."""

    topic: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The days of a service, and the months that are made of them."""

    days: frozenset[Bucket]
    months: frozenset[Bucket]


class GatherTransaction(Protocol):
    """The aggregates of one service, changed by nobody else."""

    async def take(self, much: Much) -> list[Change]:
        """Take the oldest changes away and return them: at most so much, and one where there is any."""

    async def made_months(self) -> frozenset[Bucket]:
        """Return the months that are made."""

    async def cells(self, topic: str, cells: Collection[Cell]) -> dict[Cell, Measures]:
        """Return what is stored for cells; absent ones are left out."""

    async def days_of(self, month: Bucket, end_ms: int) -> dict[Cell, Measures]:
        """Return the days of a month, which ends at ``end_ms``, of all cuts."""

    async def put(self, topic: str, changed: Mapping[Cell, Changed]) -> None:
        """Store cells, each as a whole."""


class GatherStore(Protocol):
    """Says what is to be gathered, and opens a service for it."""

    async def waiting(self, wait: timedelta, much: Much) -> Sequence[Waiting]:
        """Return services of which a change has waited for so long, or so much waits."""

    async def zones(self) -> Mapping[str, str]:
        """Return the time zone of every service."""

    async def overview(self, service: str, before_ms: int) -> Overview:
        """Return the days that begin before then and all months."""

    def alone(self, service: str) -> AbstractAsyncContextManager[GatherTransaction | None]:
        """Open a transaction; None while somebody else gathers or rebuilds the service."""
