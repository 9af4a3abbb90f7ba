"""Take journey events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from civiloop_shared.contracts.journeys import JourneyKind, journey_stream_key, journey_type
from civiloop_shared.errors import ValidationFault
from metrics_collector.domain.batch import Batch, Event, Sorting
from metrics_collector.domain.envelopes import document
from metrics_collector.domain.intake import IntakeRules, ServiceRules, read_instant
from metrics_collector.domain.items import JourneyItem
from metrics_collector.domain.receipt import BatchReceipt
from metrics_collector.service.record import Intake

_TYPES = {kind.value: journey_type(kind) for kind in JourneyKind}
_NO_INSTANT = ValidationFault("occurred_at", "is not a time that exists")


@dataclass(frozen=True, slots=True)
class RecordJourneys:
    """The use case."""

    intake: Intake

    async def record(self, batch: Batch[JourneyItem]) -> BatchReceipt:
        """Judge every event and make the good ones durable, all or none.

        Raises:
            ValidationError: ``observed_until`` can't stand for now.
            UnavailableError: see ``EventStream.append``.
        """
        return await self.intake.write(batch, _sort(batch, self.intake.rules_for(batch)))


def _sort(batch: Batch[JourneyItem], rules: IntakeRules) -> Sorting:
    sorting = Sorting()
    shared = (batch.principal.body, rules.now, batch.traceparent)
    default_source, until = batch.default_source, batch.observed_until
    for index, item in batch.items:
        of_service = rules.of(item["service"])
        if isinstance(of_service, ValidationFault):
            sorting.refuse(index, item["id"], of_service)
            continue
        moment = read_instant(item["occurred_at"])
        faults = _faults(item, of_service, moment)
        if faults or moment is None:
            sorting.refuse(index, item["id"], *(faults or (_NO_INSTANT,)))
            continue
        sorting.events.append(_event(item, item.get("source") or default_source, moment, until, shared))
    return sorting


def _faults(item: JourneyItem, rules: ServiceRules, moment: datetime | None) -> list[ValidationFault]:
    faults = []
    if moment is not None and (reason := rules.window.fault(moment)) is not None:
        faults.append(ValidationFault("occurred_at", reason))
    elif moment is None:
        faults.append(_NO_INSTANT)
    channel_fault = rules.channel_fault(item.get("channel"))
    if channel_fault is not None:
        faults.append(channel_fault)
    segments = item.get("segments")
    if segments:
        faults += rules.segment_faults(segments)
    return faults


def _event(
    item: JourneyItem, source: str, moment: datetime, until: datetime | None, shared: tuple[str, datetime, str | None]
) -> Event:
    """Build the event. What is absent, empty or false is left out, so that equal events have equal payloads."""
    kind, journey_id = item["kind"], item["journey_id"]
    data = {"service": item["service"], "journey_id": journey_id, "kind": kind, "occurred_at": moment}
    for name in ("channel", "step", "language", "assisted_digital", "segments"):
        value = item.get(name)
        if value:
            data[name] = value
    if until is not None:
        data["observed_until"] = until
    made = document(data, event_id=item["id"], source=source, event_type=_TYPES[kind], time=moment, shared=shared)
    return journey_stream_key(shared[0], journey_id), made
