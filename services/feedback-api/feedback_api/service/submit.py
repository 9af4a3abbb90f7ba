"""Take feedback in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from civiloop_shared.auth import Principal
from civiloop_shared.contracts.envelope import Envelope, encode
from civiloop_shared.contracts.feedback import FeedbackReceived
from civiloop_shared.errors import CiviloopError, ForbiddenError, ValidationError, ValidationFault
from feedback_api.domain.acceptance import faults_of, faults_of_observed_until
from feedback_api.domain.feedback import Identified, Submission, content_hash, identify
from feedback_api.domain.leaving import received, utc_text
from feedback_api.domain.questions import offered_to
from feedback_api.domain.receipt import receipt_of, to_text
from feedback_api.errors import ErasedError, IdReusedError, KeyReusedError
from feedback_api.ports import (
    Claim,
    Clock,
    ContactVault,
    Fate,
    FeedbackStore,
    IdSource,
    NewFeedback,
    Remembered,
    Services,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Feedback that we have. ``again``: we had it before this request."""

    id: str
    receipt: str
    again: bool


CHUNK = 10
"""Items after which others get their turn: masking a long comment full of numbers takes its time."""

Result = Taken | CiviloopError
"""What became of one item: we have it, or the reason why not."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The circumstances of a request."""

    principal: Principal
    traceparent: str | None = None
    observed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Items that are ready to be stored, and what is wrong with the others; ``results`` has a place for each."""

    rows: list[NewFeedback]
    taken: list[tuple[int, Taken]]
    results: list[Result | None]

    def settle(self, fates: Sequence[Fate]) -> list[Result]:
        """Return the results of all items, now that the fates of the stored ones are known."""
        results = list(self.results)
        for (index, taken), fate in zip(self.taken, fates, strict=True):
            results[index] = _result(taken, fate)
        return [result for result in results if result is not None]


def _result(taken: Taken, fate: Fate) -> Result:
    match fate:
        case Fate.NEW:
            return taken
        case Fate.KNOWN:
            return Taken(taken.id, taken.receipt, again=True)
        case Fate.ID_REUSED:
            return IdReusedError(faults=(ValidationFault("id", "was used before with other content"),))
        case Fate.ERASED:
            return ErasedError(faults=(ValidationFault("id", "belongs to feedback that was erased"),))


@dataclass(frozen=True, slots=True)
class SubmitFeedback:
    """Checks, masks, seals and stores feedback. ``receipt_secret`` makes receipts."""

    services: Services
    store: FeedbackStore
    contacts: ContactVault
    receipt_secret: bytes
    clock: Clock
    new_id: IdSource

    async def prepare(self, items: Sequence[Submission | CiviloopError], delivery: Delivery) -> Prepared:
        """Check items and make their rows. An item that could not be read comes as its error.

        Raises ``ValidationError`` when ``observed_until`` is wrong.
        """
        now = self.clock()
        if delivery.observed_until is not None:
            faults = faults_of_observed_until(delivery.observed_until, now)
            if faults:
                raise ValidationError(faults=faults)
        prepared = Prepared([], [], [])
        for number, item in enumerate(items, 1):
            self._prepare_one(item, delivery, now, prepared)
            if number % CHUNK == 0:
                await asyncio.sleep(0)
        return prepared

    def _prepare_one(
        self, item: Submission | CiviloopError, delivery: Delivery, now: datetime, prepared: Prepared
    ) -> None:
        error = item if isinstance(item, CiviloopError) else self._refusal(item, delivery, now)
        prepared.results.append(error)
        if error is not None or isinstance(item, CiviloopError):
            return
        feedback = identify(
            item,
            body=delivery.principal.body,
            default_source=f"urn:civiloop:key:{delivery.principal.key_id}",
            new_id=item.id or self.new_id(),
        )
        row = self._row(feedback, delivery, now)
        prepared.rows.append(row)
        prepared.taken.append((len(prepared.results) - 1, Taken(feedback.id, to_text(row.receipt), again=False)))

    def _refusal(self, item: Submission, delivery: Delivery, now: datetime) -> CiviloopError | None:
        service = self.services.service(item.service)
        if service is None or service.body != delivery.principal.body:
            return ValidationError.of(ValidationFault("service", "is not a service of your body"))
        if not delivery.principal.may_touch(item.service):
            reason = "this key is limited to other services"
            return ForbiddenError(reason, faults=(ValidationFault("service", reason),))
        faults = faults_of(item, service, now=now, observed_until=delivery.observed_until)
        return ValidationError(faults=faults) if faults else None

    def _row(self, feedback: Identified, delivery: Delivery, now: datetime) -> NewFeedback:
        item = feedback.submission
        occurred_at = item.occurred_at or now
        event = Envelope(
            id=feedback.id,
            source=feedback.source,
            type=FeedbackReceived.TYPE,
            time=utc_text(occurred_at),
            bodyid=feedback.body,
            recordedtime=utc_text(now),
            data=received(feedback, occurred_at=occurred_at, offered=self._offered(item)),
            traceparent=delivery.traceparent,
        )
        return NewFeedback(
            key=feedback.key,
            receipt=receipt_of(self.receipt_secret, feedback.body, feedback.key),
            body=feedback.body,
            service=item.service,
            channel=item.channel,
            content_hash=content_hash(item),
            received_at=now,
            occurred_at=occurred_at,
            data=orjson.dumps(item.said()).decode(),
            contact=None if item.contact is None else self.contacts.seal(feedback.key, item.contact),
            event=encode(event),
        )

    def _offered(self, item: Submission) -> dict[str, list[str]] | None:
        service = self.services.service(item.service) if item.answers else None
        return offered_to(item, service) if service is not None else None

    async def keep(self, prepared: Prepared, claim: Claim | None = None) -> list[Result] | bytes:
        """Store what was prepared and return the results; or the answer that was given to the same request before.

        Returning guarantees that whatever is ``Taken`` is durable. Raises ``KeyReusedError`` when the claim stands for
        another request, ``UnavailableError`` when it can't be stored now.
        """
        fates = await self.store.append(prepared.rows, claim)
        if isinstance(fates, Remembered):
            if claim is None or fates.request_hash != claim.request_hash:
                raise KeyReusedError
            return fates.answer
        return prepared.settle(fates)
