"""Partitions that stand still, and the orders of people that they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoppedPartition:
    """A partition that must not be read on: why, up to which offset it was read, and when the last record came."""

    topic: str
    partition: int
    reason: str
    next_offset: int
    last_record_at: datetime | None
    release_asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Release:
    """An order that a partition go on, by which key, and what came of it. Offsets are those that came next."""

    topic: str
    partition: int
    reason: str
    asked_by: str
    asked_at: datetime
    old_next_offset: int
    new_next_offset: int | None
    released_at: datetime | None


class Releases(Protocol):
    """Keeps the orders, for good: they say where records may be missing."""

    async def stopped(self) -> list[StoppedPartition]:
        """Return the partitions that stand still."""

    async def newest(self, limit: int) -> list[Release]:
        """Return the newest orders."""

    async def order(self, partitions: Sequence[StoppedPartition], by: str, at: datetime) -> None:
        """Store an order for each that has none waiting; a worker carries it out when it claims next."""
