"""What is needed to merge the partitions of closed days, and to make months of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from evaluation_engine.domain.accumulator import Measures


class Bucket(NamedTuple):
    """A day or a month of one topic."""

    topic: str
    start_ms: int


class Place(NamedTuple):
    """A cut and the start of its day or month."""

    cut: str
    start_ms: int


class Sum(NamedTuple):
    """What is stored at a place, and when any of it changed last."""

    measures: Measures
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """Days of a service that have rows of single partitions or merged ones, and the months that are made."""

    apart: frozenset[Bucket]
    merged: frozenset[Bucket]
    months: frozenset[Bucket]


class MergeTransaction(Protocol):
    """The merged rows of one service and topic, changed by nobody else."""

    async def take(self, begin_ms: int, end_ms: int) -> list[tuple[Place, Sum]]:
        """Delete the rows of single partitions of days that begin in `[begin_ms, end_ms)` and return them.

        Those that a worker has just changed are left for the next time.
        """

    async def days(self, begin_ms: int, end_ms: int, cuts: Collection[str] | None = None) -> dict[Place, Sum]:
        """Return merged days that begin in `[begin_ms, end_ms)`, of some cuts or of all."""

    async def put(self, grain: Literal["day", "month"], sums: Mapping[Place, Sum]) -> None:
        """Store merged days or months, each as a whole."""


class MergeStore(Protocol):
    """Says what is to be merged, and opens a service for it."""

    async def zones(self) -> Mapping[str, str]:
        """Return the time zone of every service."""

    async def overview(self, service: str, before_ms: int) -> Overview:
        """Return what there is of days that begin before then."""

    def merging(self, service: str, topic: str) -> AbstractAsyncContextManager[MergeTransaction | None]:
        """Open a transaction; None while somebody else merges or rebuilds the service."""
