"""Where a batch goes: one transaction that holds position, seen ids, facts, aggregates, ledger and dead letters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from evaluation_engine.domain.contribution.context import FactContext, Minutes
from evaluation_engine.ports.facts import AnswerFact, JourneyFact, PeriodFact

Outcome = Literal["counted", "duplicate", "quarantined", "dead_lettered", "erased", "data_fault"]
Headers = Sequence[tuple[str, bytes]]


class StreamRecord(Protocol):
    """A record as Kafka gave it; times are ms since 1970."""

    @property
    def offset(self) -> int:
        """Where it lies in its partition."""

    @property
    def timestamp(self) -> int:
        """When the broker appended it."""

    @property
    def key(self) -> bytes | None:
        """The key that decided its partition."""

    @property
    def value(self) -> bytes | None:
        """The event."""

    @property
    def headers(self) -> Headers:
        """Its headers."""


@dataclass(frozen=True, slots=True)
class Position:
    """A claim on a partition: commits succeed only while ``epoch`` and ``next_offset`` are still the stored ones."""

    topic: str
    partition: int
    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim found.

    ``topic_id`` is the one that the offsets belong to; ``stopped`` says why the partition must not be read, ``release``
    names the order of a person that it be read on all the same.
    """

    position: Position
    topic_id: UUID
    stopped: str | None = None
    release: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often the first batch after a claim was begun and not ended; up to ``careful_until`` records go singly."""

    number: int
    careful_until: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a batch leads to, and what is known of time; None keeps what is stored."""

    next_offset: int
    last_record_at_ms: int | None = None
    caught_up_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is set aside; ``data_fault`` when form and service are right and its times are not."""

    record: StreamRecord
    outcome: Literal["dead_lettered", "data_fault"]
    reason: str
    detail: str = ""
    body: str | None = None
    service: str | None = None
    received_day: date | None = None


class Sender(NamedTuple):
    """A source of a service on a day of receipt (UTC); ``slot`` is the hash of its name."""

    service: str
    day: date
    slot: int


class Receipt(NamedTuple):
    """What came from a sender: events, those that happened well after they were received, and by how much at most."""

    source: str
    events: int
    ahead: int
    ahead_ms: int


class SinkTransaction(Protocol):
    """One open transaction on one partition; everything is committed together or not at all."""

    async def fence(self, position: Position, progress: Progress) -> None:
        """Take the partition's row lock and move its position. Must come first.

        Raises ``FencedError`` when the claim is no longer the newest.
        """

    async def remember(self, ids: Mapping[bytes, int], today: date) -> dict[bytes, int]:
        """Store ids with their payload hashes; return those that were known before, with the hash that stands."""

    async def journeys(self, keys: Collection[bytes]) -> dict[bytes, JourneyFact]:
        """Return the journeys that are stored."""

    async def silent_journeys(self, partition: int, before_ms: int, limit: int) -> list[JourneyFact]:
        """Return open journeys whose silence is due, oldest first."""

    async def put_journeys(self, facts: Collection[JourneyFact]) -> None:
        """Store journeys, each as a whole."""

    async def answers(self, keys: Collection[bytes]) -> dict[bytes, AnswerFact]:
        """Return the answers that are stored."""

    async def put_answers(self, facts: Collection[AnswerFact]) -> None:
        """Store answers, each as a whole."""

    async def periods(self, keys: Collection[bytes]) -> dict[bytes, PeriodFact]:
        """Return the measurements over periods that are stored."""

    async def put_periods(self, facts: Collection[PeriodFact]) -> None:
        """Store measurements over periods."""

    async def contexts(self, ids: Collection[int]) -> dict[int, FactContext]:
        """Return contexts by their ids."""

    async def put_changes(self, topic: str, partition: int, changes: Mapping[str, str]) -> None:
        """Write down what the batch changes, as a text for each service that `Batch.take` reads."""

    async def put_letters(self, topic: str, partition: int, letters: Sequence[DeadLetter]) -> None:
        """Set records aside."""

    async def erase_letters(self, topic: str, feedback_keys: Collection[bytes]) -> None:
        """Forget the content of dead letters of erased answers, which take over the letters' days of receipt."""

    async def put_senders(self, topic: str, partition: int, receipts: Mapping[Sender, Receipt]) -> None:
        """Add to what came from whom."""

    async def count(self, topic: str, partition: int, outcomes: Mapping[str, int]) -> None:
        """Add to the ledger."""


class Sink(Protocol):
    """Opens transactions and keeps claims."""

    async def claim(self, topic: str, partition: int, topic_id: UUID, first_offset: int, *, forgive: bool) -> Claim:
        """Become the owner: every earlier claim is fenced from now on. ``forgive`` forgets counted attempts."""

    async def begin_attempt(self, position: Position, *, careful_after: int, span: int) -> Attempt:
        """Count an attempt, in a transaction of its own, so that a batch that kills the process is known.

        After ``careful_after`` attempts the next ``span`` offsets become careful. Raises ``FencedError``.
        """

    async def stop_partition(self, position: Position, reason: str) -> None:
        """Write down why a partition must not be read on. Raises ``FencedError``."""

    async def release(self, claim: Claim, topic_id: UUID, first_offset: int) -> Position:
        """Let a stopped partition go on at the first record that its topic has, as a person ordered.

        What it has counted stays in its books, so its first offset moves with the next. Raises ``FencedError``.
        """

    async def touch(self, positions: Sequence[Position], caught_up_at_ms: int) -> None:
        """Say for all of these that they were read to the end at that time; those that moved on are left alone."""

    def transaction(self) -> AbstractAsyncContextManager[SinkTransaction]:
        """Open a transaction; it commits at the end.

        Raises:
            UnavailableError: it was rolled back and may be tried again.
            UnknownOutcomeError: it may have been committed.
        """


class ServiceSource(Protocol):
    """Where the services are defined."""

    async def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the definition of every service, retired ones too, by id."""

    async def facts_from_ms(self) -> Mapping[str, int]:
        """Return from when on services have their facts, of those of which any were let go."""

    async def keep_contexts(self, contexts: Mapping[int, FactContext]) -> None:
        """Store contexts, so that facts can cite them; those that are stored stay as they are."""


class MinuteSource(Protocol):
    """Where it is said what targets need by the minute."""

    async def minutes(self) -> Mapping[str, Minutes]:
        """Return what is kept by the minute of each service that has a watched target, by id."""
