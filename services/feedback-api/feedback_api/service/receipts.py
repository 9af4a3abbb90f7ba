"""Show people what we hold of them, and let them take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from civiloop_shared.contracts.envelope import Envelope, decode, encode
from civiloop_shared.contracts.feedback import FeedbackErased
from civiloop_shared.errors import NotFoundError
from feedback_api.domain.leaving import emptied, erased, utc_text
from feedback_api.domain.receipt import from_text
from feedback_api.ports import Clock, ContactVault, Kept, ReceiptStore, Services

SOURCE = "urn:civiloop:feedback-api"
"""Source of the events that this service makes itself."""


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold under a receipt, readable: the contact is decrypted."""

    kept: Kept
    service_title: dict[str, str]
    contact: str | None


@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Tells what we hold."""

    receipts: ReceiptStore
    contacts: ContactVault
    services: Services

    async def show(self, text: str) -> Held:
        """Return what we hold under a receipt. Raises ``NotFoundError``."""
        receipt = from_text(text)
        kept = None if receipt is None else await self.receipts.find(receipt)
        if kept is None:
            raise NotFoundError("there is no such receipt")
        contact = None if kept.contact is None else self.contacts.open(kept.key, kept.contact)
        service = self.services.service(kept.service)
        return Held(kept, dict(service.title) if service else {}, contact)


@dataclass(frozen=True, slots=True)
class Erasure:
    """When feedback was erased. ``again``: that was before, and nothing was left to do."""

    at: datetime
    again: bool


@dataclass(frozen=True, slots=True)
class EraseFeedback:
    """Erases at the giver's wish, here at once and everywhere else by an event."""

    receipts: ReceiptStore
    clock: Clock

    async def erase(self, text: str, *, traceparent: str | None) -> Erasure:
        """Erase and return when that was. Raises ``NotFoundError``.

        Returning guarantees that nothing readable is left here and that the event to the others is durable.
        """
        receipt = from_text(text)
        now = self.clock()
        before = (
            None
            if receipt is None
            else await self.receipts.erase(receipt, now, lambda kept: _tombstone(kept, now, traceparent), _emptied)
        )
        if before is None:
            raise NotFoundError("there is no such receipt")
        return Erasure(before.erased_at or now, again=before.erased_at is not None)


def _tombstone(kept: Kept, now: datetime, traceparent: str | None) -> bytes:
    feedback_id = kept.key.hex()
    return encode(
        Envelope(
            id=f"{feedback_id}/erased",
            source=SOURCE,
            type=FeedbackErased.TYPE,
            time=utc_text(now),
            bodyid=kept.body,
            recordedtime=utc_text(now),
            data=erased(feedback_id, kept.service, erased_at=now),
            traceparent=traceparent,
        )
    )


def _emptied(event: bytes) -> bytes:
    """Return a waiting event without anything that was said."""
    envelope = decode(event)
    return encode(
        Envelope(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            time=envelope.time,
            bodyid=envelope.bodyid,
            recordedtime=envelope.recordedtime,
            data=emptied(envelope.data),
            traceparent=envelope.traceparent,
        )
    )
