"""Reads the payloads of the three topics: form, key, type, service and times are checked, nothing is looked up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import TypeAdapter

from civiloop_shared.contracts.envelope import InvalidEventError
from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackKind, FeedbackReceived
from civiloop_shared.contracts.journeys import JourneyEventRecorded, JourneyKind, journey_stream_key, journey_type
from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.contracts.values import Channel
from evaluation_engine.domain.contribution.answers import Answer
from evaluation_engine.domain.contribution.measurements import Measurement
from evaluation_engine.domain.journey import JourneyEvent
from evaluation_engine.domain.questions import AnswerValue
from evaluation_engine.domain.samples import merged
from evaluation_engine.ports.facts import AnswerContent
from evaluation_engine.service.ingest.arrivals import (
    Draft,
    refuse_before_retention,
    refuse_impossible_time,
    refuse_wrong_key,
)
from evaluation_engine.service.ingest.instants import DAY_MS, to_ms
from evaluation_engine.service.ingest.services import ServiceBook

_KINDS = {kind: (kind.value, journey_type(kind)) for kind in JourneyKind}
_CHANNELS = {None: None} | {channel: channel.value for channel in Channel}
_read_event = TypeAdapter(JourneyEventRecorded).validator.validate_python
_LONGEST_PERIOD_MS = 3_660 * DAY_MS


class JourneyArrival(NamedTuple):
    """An event and the journey it belongs to."""

    journey_id: str
    event: JourneyEvent


class AnswerArrival(NamedTuple):
    """An answer set, or its erasure where `content` is None."""

    feedback_key: bytes
    service: str
    content: AnswerContent | None
    quarantined: bool


class MeasurementArrival(NamedTuple):
    """A measurement; `period_key` identifies what it replaces, None at an instant."""

    period_key: bytes | None
    measurement: Measurement
    kind: str
    unit: str


@dataclass(frozen=True, slots=True)
class JourneyReader:
    """Reads `telemetry.journeys`."""

    book: ServiceBook

    def __call__(self, draft: Draft) -> JourneyArrival:
        """Return the event of a journey."""
        envelope = draft.envelope
        body = envelope.bodyid
        data: JourneyEventRecorded = _read_event(envelope.data)
        kind, type_ = _KINDS[data.kind]
        if envelope.type != type_:
            raise InvalidEventError("unknown_type", "the type isn't that of the kind of event")
        refuse_wrong_key(draft.record, journey_stream_key(body, data.journey_id))
        known = self.book.of(body, data.service)
        at_ms = to_ms(data.occurred_at)
        refuse_impossible_time(at_ms, draft.recorded_at_ms)
        refuse_before_retention(at_ms, known.facts_from_ms)
        event = JourneyEvent(
            draft.key,
            draft.payload_hash,
            kind,
            at_ms,
            data.service,
            _CHANNELS[data.channel],
            data.step,
            data.language,
            data.assisted_digital,
            tuple(sorted(data.segments.items())) if data.segments else (),
            to_ms(data.observed_until) if data.observed_until else None,
        )
        return JourneyArrival(data.journey_id, event)


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads `feedback.received`."""

    book: ServiceBook

    def __call__(self, draft: Draft) -> AnswerArrival:
        """Return an answer set or an erasure; an erasure is never refused for its service."""
        envelope = draft.envelope
        if envelope.type == FeedbackErased.TYPE:
            erased = FeedbackErased.model_validate(envelope.data)
            refuse_wrong_key(draft.record, erased.key())
            return AnswerArrival(bytes.fromhex(erased.feedback_id), erased.service, None, False)
        if envelope.type != FeedbackReceived.TYPE:
            raise InvalidEventError("unknown_type", "this type doesn't belong on this topic")
        data = FeedbackReceived.model_validate(envelope.data)
        refuse_wrong_key(draft.record, data.key())
        known = self.book.of(envelope.bodyid, data.service)
        at_ms = to_ms(data.occurred_at)
        refuse_impossible_time(at_ms, draft.recorded_at_ms)
        refuse_before_retention(at_ms, known.facts_from_ms)
        return AnswerArrival(bytes.fromhex(data.feedback_id), data.service, _content(data), data.quarantined)


@dataclass(frozen=True, slots=True)
class MeasurementReader:
    """Reads `telemetry.measurements`."""

    book: ServiceBook

    def __call__(self, draft: Draft) -> MeasurementArrival:
        """Return a measurement."""
        envelope = draft.envelope
        if envelope.type != MeasurementRecorded.TYPE:
            raise InvalidEventError("unknown_type", "this type doesn't belong on this topic")
        data = MeasurementRecorded.model_validate(envelope.data)
        refuse_wrong_key(draft.record, data.key())
        self.book.of(envelope.bodyid, data.service)
        measurement = _measurement(data)
        refuse_impossible_time(measurement.at_ms, draft.recorded_at_ms)
        until_ms = measurement.until_ms
        if until_ms is not None and until_ms - measurement.at_ms > _LONGEST_PERIOD_MS:
            raise InvalidEventError("period_too_long", "the period is longer than ten years")
        return MeasurementArrival(_period_key(envelope.bodyid, measurement), measurement, data.kind.value, data.unit)


def _content(data: FeedbackReceived) -> AnswerContent:
    answer = Answer(
        service=data.service,
        at_ms=to_ms(data.occurred_at),
        channel=data.channel.value,
        language=data.language,
        step=data.step,
        assisted=data.assisted_digital,
        segments=tuple(sorted(data.segments.items())),
        rating=data.rating,
        nps=data.nps,
        effort=data.effort,
        task=data.task_done.value if data.task_done else None,
        questions=_questions(data) if data.answers else (),
        offered=tuple((name, tuple(choices)) for name, choices in sorted(data.offered.items())) if data.offered else (),
        complaint=data.kind is FeedbackKind.COMPLAINT,
    )
    return AnswerContent(answer, data.comment, data.page, data.journey_id)


def _questions(data: FeedbackReceived) -> tuple[tuple[str, AnswerValue], ...]:
    answers = sorted(data.answers.items())
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in answers)


def _measurement(data: MeasurementRecorded) -> Measurement:
    since = data.occurred_at or data.period_from
    assert since is not None, "the contract asks for one of the two"
    return Measurement(
        service=data.service,
        name=data.name,
        milli=data.scaled(),
        at_ms=to_ms(since),
        until_ms=to_ms(data.period_to) if data.period_to else None,
        channel=data.channel.value if data.channel else None,
        samples=merged(data.scaled_samples()),
    )


def _period_key(body: str, one: Measurement) -> bytes | None:
    if one.until_ms is None:
        return None
    parts = (body, one.service, one.name, one.channel or "", str(one.at_ms), str(one.until_ms))
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).digest()
