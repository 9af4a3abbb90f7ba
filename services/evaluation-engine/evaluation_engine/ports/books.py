"""What is audited, set aside, swept and kept up beside the stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PartitionBooks:
    """One partition: the span of offsets consumed, and how many records had which outcome."""

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    outcomes: Mapping[str, int]
    stopped: str | None

    @property
    def span(self) -> int:
        """How many records were consumed."""
        return self.next_offset - self.first_offset

    @property
    def imbalance(self) -> int:
        """Records without an outcome (positive) or with two (negative)."""
        return self.span - sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class FeedbackDay:
    """Feedback of one service received on one day (UTC), by the state that the facts are in now."""

    service: str
    day: date
    counted: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """All books in one snapshot. `facts` counts outcomes anew from what is stored, by topic and outcome."""

    partitions: Sequence[PartitionBooks]
    feedback: Sequence[FeedbackDay]
    facts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter. ``value`` is None once its time is over or what it told of was erased."""

    id: int
    topic: str
    partition: int
    offset: int
    outcome: str
    reason: str
    detail: str
    body: str | None
    service: str | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    at: datetime
    replayed_at: datetime | None


class Books(Protocol):
    """Answers questions over the whole store."""

    async def ledger(self, body: str | None) -> Ledger:
        """Return the books in one snapshot; feedback only of the services of ``body``, of all when it is None."""

    async def imbalances(self) -> Mapping[str, int]:
        """Return by topic how many records have no outcome or two, over all partitions."""

    async def dead_letters(self) -> Mapping[str, int]:
        """Return by topic how many letters nobody replayed."""

    async def unrelayed(self) -> int:
        """Return how many letters are not on their DLQ topic yet."""

    async def silent_partitions(self, partitions: Collection[int], now_ms: int) -> list[int]:
        """Return those of the partitions that hold journeys whose silence is due."""

    async def keep_up(self, now_ms: int) -> None:
        """Make the tables of the coming days and let go of what is past its time. Safe from many workers at once."""


class LetterBox(Protocol):
    """The dead letters."""

    async def page(self, body: str, topic: str | None, before: int | None, limit: int) -> list[StoredLetter]:
        """Return letters of a body, and those that name none, newest first."""

    def to_relay(self, limit: int) -> AbstractAsyncContextManager[list[StoredLetter]]:
        """Lend letters that are not on their DLQ topic; they count as relayed when the block ends without error."""

    def to_replay(
        self, body: str, ids: Sequence[int] | None, topic: str | None, after: int, limit: int
    ) -> AbstractAsyncContextManager[list[StoredLetter]]:
        """Lend letters with ids over ``after`` that still have their content, in order.

        Without ``ids`` only those that were not replayed yet. They count as replayed when the block ends without error.
        """


class Publisher(Protocol):
    """Puts records on topics; names are without prefix."""

    async def publish(
        self, topic: str, records: Sequence[tuple[bytes, bytes | None, Sequence[tuple[str, bytes]]]]
    ) -> None:
        """Return when all are durable; raise ``UnavailableError`` when that is not known."""
