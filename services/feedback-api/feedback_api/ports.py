"""What the use cases need of the outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol

from civiloop_shared.contracts.catalogue import ServiceDefined


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """A feedback as it is stored. ``data`` is JSON with the comment as it came; ``event`` is what leaves, masked."""

    key: bytes
    receipt: bytes
    body: str
    service: str
    channel: str
    content_hash: int
    received_at: datetime
    occurred_at: datetime
    data: str = field(repr=False)
    contact: bytes | None = field(repr=False)
    event: bytes = field(repr=False)
    quarantined: bool = False


class Fate(Enum):
    """What became of a feedback that was to be stored."""

    NEW = "new"
    KNOWN = "known"
    ID_REUSED = "id_reused"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Claim:
    """An Idempotency-Key that a request comes with.

    ``answer`` makes the answer to remember from the fates of the request's feedback; None leaves nothing behind.
    """

    body: str
    key_id: str
    client_key: str
    request_hash: bytes
    answer: Callable[[Sequence[Fate]], bytes | None]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A request with this Idempotency-Key was answered before. Nothing of the new one was stored."""

    request_hash: bytes
    answer: bytes


class FeedbackStore(Protocol):
    """Where feedback is kept."""

    async def append(self, rows: Sequence[NewFeedback], claim: Claim | None) -> Sequence[Fate] | Remembered:
        """Store what is new of these rows, their outbox rows and the claim in one transaction.

        Returning guarantees that all of it is durable. ``UnavailableError``: nothing may be relied on, and the same
        call again is safe.
        """


class RememberedStore(Protocol):
    """What was answered to requests with an Idempotency-Key."""

    async def let_go(self, before: datetime, at_most: int) -> int:
        """Forget at most so many answers that were given before then, and return how many went.

        Returning guarantees that they are gone. ``UnavailableError``: the same call again is safe.
        """


@dataclass(frozen=True, slots=True)
class Kept:
    """What we hold under a receipt. After the erasure only the times are left."""

    key: bytes
    body: str
    service: str
    channel: str
    received_at: datetime
    occurred_at: datetime
    data: dict[str, Any] = field(repr=False)
    contact: bytes | None = field(repr=False)
    quarantined: bool
    erased_at: datetime | None


class ReceiptStore(Protocol):
    """What is kept, by receipt."""

    async def find(self, receipt: bytes) -> Kept | None:
        """Return what we hold under a receipt."""

    async def erase(
        self, receipt: bytes, erased_at: datetime, tombstone: Callable[[Kept], bytes], emptied: Callable[[bytes], bytes]
    ) -> Kept | None:
        """Scrub the row, empty what still waits for Kafka and queue the tombstone, in one transaction.

        Return what was held before; None when there is no such receipt. Erased before: nothing is done.
        """


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What one service took in on one day (UTC): rows stored, and of those waiting, quarantined, erased."""

    service: str
    day: date
    stored: int
    waiting: int
    quarantined: int
    erased: int


class LedgerStore(Protocol):
    """Counts what is stored."""

    async def days(self, body: str, services: frozenset[str] | None) -> Sequence[LedgerDay]:
        """Count by service and day of receipt; ``services`` None means all of the body."""


class ContactVault(Protocol):
    """Keeps contacts unreadable at rest."""

    def seal(self, key: bytes, contact: str) -> bytes:
        """Encrypt a contact so that it opens only for this feedback."""

    def open(self, key: bytes, sealed: bytes) -> str | None:
        """Decrypt; None when it can't be opened with the keys we have."""


class Services(Protocol):
    """The services that are in the catalogue."""

    def service(self, service_id: str) -> ServiceDefined | None:
        """Return a service; None when there is none of this id."""


Clock = Callable[[], datetime]
"""Returns the time now, in UTC."""

IdSource = Callable[[], str]
"""Returns an id that no one else has."""


class Tally(Protocol):
    """Counts what became of submissions."""

    def accepted(self, service: str) -> None:
        """Count feedback that is new."""

    def duplicate(self, service: str) -> None:
        """Count feedback that came again."""

    def rejected(self, reason: str) -> None:
        """Count feedback that was not taken, by the code of its error."""

    def erased(self) -> None:
        """Count an erasure."""
