"""Take journey events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from civiloop_shared.contracts.journeys import JourneyKind, journey_stream_key, journey_type
from civiloop_shared.errors import ValidationFault
from metrics_collector.domain.batch import Batch, Event, Sorting
from metrics_collector.domain.envelopes import document
from metrics_collector.domain.intake import IntakeRules, ServiceRules, read_instant
from metrics_collector.domain.items import JourneyItem
from metrics_collector.domain.receipt import BatchReceipt
from metrics_collector.service.record import Intake

_TYPES = {kind.value: journey_type(kind) for kind in JourneyKind}
_NO_INSTANT = "is not a time that exists"


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
        return await self.intake.write(batch, sort_events(batch, self.intake.rules_for(batch)))


def sort_events(batch: Batch[JourneyItem], rules: IntakeRules) -> Sorting:
    """Judge every event by the rules: pure. One pass, little calling: this is the hot path."""
    sorting = Sorting()
    shared = (batch.principal.body, rules.now, batch.traceparent)
    default_source, until = batch.default_source, batch.observed_until
    for index, item in batch.items:
        of_service = rules.of(item["service"])
        if type(of_service) is ValidationFault:
            sorting.refuse(index, item["id"], of_service)
            continue
        assert isinstance(of_service, ServiceRules)
        moment = read_instant(item["occurred_at"])
        if moment is not None and _is_good(item, of_service, moment):
            sorting.events.append(_event(item, item.get("source") or default_source, moment, until, shared))
        else:
            sorting.refuse(index, item["id"], *_faults(item, of_service, moment))
    return sorting


def _is_good(item: JourneyItem, rules: ServiceRules, moment: datetime) -> bool:
    """Say whether ``_faults`` would find nothing."""
    window, channel, segments = rules.window, item.get("channel"), item.get("segments")
    return (
        window.earliest <= moment <= window.latest
        and (channel is None or channel in rules.channels)
        and (not segments or rules.declares(segments))
    )


def _faults(item: JourneyItem, rules: ServiceRules, moment: datetime | None) -> list[ValidationFault]:
    reason = _NO_INSTANT if moment is None else rules.window.fault(moment)
    faults = [] if reason is None else [ValidationFault("occurred_at", reason)]
    channel_fault = rules.channel_fault(item.get("channel"))
    if channel_fault is not None:
        faults.append(channel_fault)
    return faults + rules.segment_faults(item.get("segments") or {})


def _event(
    item: JourneyItem, source: str, moment: datetime, until: datetime | None, shared: tuple[str, datetime, str | None]
) -> Event:
    """Build the event. What is absent, empty or false is left out, so that equal events have equal payloads."""
    journey_id = item["journey_id"]
    data: dict[str, Any] = {**item, "occurred_at": moment}
    del data["id"]
    data.pop("source", None)
    if not all(data.values()):
        data = {name: value for name, value in data.items() if value}
    if until is not None:
        data["observed_until"] = until
    return journey_stream_key(shared[0], journey_id), document(
        data, item["id"], source, _TYPES[item["kind"]], moment, shared
    )
