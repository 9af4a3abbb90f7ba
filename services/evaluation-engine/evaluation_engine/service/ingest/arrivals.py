"""From a record to an event of ours, or to the reason why it is none.

Reasons of dead letters: `no_value`, `not_json`, `not_cloudevent`, `bad_attribute`, `bad_data`, `nul`, `unknown_type`,
`bad_payload`, `wrong_key` (a record whose key isn't the one that its content asks for lies on the wrong partition),
`unknown_service`, `id_reused`, `poison`. Reasons of data faults: `impossible_time`, `period_too_long`,
`before_retention`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from civiloop_shared.contracts.envelope import Envelope, InvalidEventError, decode
from civiloop_shared.contracts.identity import event_key, payload_hash
from evaluation_engine.ports.sink import DeadLetter, StreamRecord
from evaluation_engine.service.ingest.instants import DAY_MS, to_ms, utc_day

DATA_FAULTS = frozenset({"impossible_time", "period_too_long", "before_retention"})
_LONGEST_NAME = 63
_FAULTS_TOLD = 5
_TRACEPARENT = 55

P = TypeVar("P")


class Arrival(NamedTuple, Generic[P]):
    """A valid event: its identity, and the payload as a topic's reader made it."""

    record: StreamRecord
    key: bytes
    payload_hash: int
    body: str
    recorded_at_ms: int
    payload: P
    traceparent: str | None = None
    source: str = ""


class Draft(NamedTuple):
    """What a reader gets: the decoded envelope with its identity."""

    record: StreamRecord
    envelope: Envelope
    key: bytes
    payload_hash: int
    recorded_at_ms: int


Reader = Callable[[Draft], P]
"""Makes a payload or raises ``InvalidEventError`` or pydantic's ``ValidationError``."""


def sort_out(records: Iterable[StreamRecord], read: Reader[P]) -> tuple[list[Arrival[P]], list[DeadLetter]]:
    """Return the valid events and the dead letters, each in the order of the records."""
    arrivals: list[Arrival[P]] = []
    letters: list[DeadLetter] = []
    for record in records:
        try:
            arrivals.append(_arrive(record, read))
        except (InvalidEventError, ValidationError) as error:
            letters.append(dead_letter(record, error))
    return arrivals, letters


def _arrive(record: StreamRecord, read: Reader[P]) -> Arrival[P]:
    value = record.value
    if value is None:
        raise InvalidEventError("no_value", "the record has no value")
    envelope = decode(value)
    escapes = b"\\" in value and b"\\u0000" in value
    if escapes and _has_nul((envelope.bodyid, envelope.id, envelope.source, envelope.data)):
        raise InvalidEventError("nul", "a text has the character NUL")
    recorded_at_ms = _recorded_at(envelope.recordedtime)
    key = event_key(envelope.bodyid, envelope.source, envelope.id)
    digest = payload_hash(envelope.type, envelope.data)
    payload = read(Draft(record, envelope, key, digest, recorded_at_ms))
    trace = _trace(envelope.traceparent)
    return Arrival(record, key, digest, envelope.bodyid, recorded_at_ms, payload, trace, envelope.source)


def refuse_impossible_time(at_ms: int, recorded_at_ms: int) -> None:
    """Raise ``InvalidEventError`` (`impossible_time`) for what happened more than a day after it was received."""
    if at_ms > recorded_at_ms + DAY_MS:
        raise InvalidEventError("impossible_time", "it happened more than a day after it was received")


def refuse_before_retention(at_ms: int, facts_from_ms: int | None) -> None:
    """Raise ``InvalidEventError`` (`before_retention`) where no fact is left by which a repeat could be told."""
    if facts_from_ms is not None and at_ms < facts_from_ms:
        raise InvalidEventError("before_retention", "it happened before the time from which on facts are kept")


def refuse_wrong_key(record: StreamRecord, key: bytes) -> None:
    """Raise ``InvalidEventError`` (`wrong_key`) unless the record has the key that its content asks for."""
    if record.key != key:
        raise InvalidEventError("wrong_key", "the key of the record isn't that of its content")


def dead_letter(record: StreamRecord, error: InvalidEventError | ValidationError) -> DeadLetter:
    """Return the letter for a record, with what can be told about it."""
    if isinstance(error, InvalidEventError):
        reason, detail = error.reason, str(error)
    else:
        reason, detail = "bad_payload", _faults(error)
    body, service, day = _sender(record)
    return DeadLetter(
        record=record,
        outcome="data_fault" if reason in DATA_FAULTS else "dead_lettered",
        reason=reason,
        detail=detail,
        body=body,
        service=service,
        received_day=day,
    )


def _trace(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) == _TRACEPARENT else None


@lru_cache(maxsize=4_096)
def _recorded_at(text: str) -> int:
    """Events that were sent together were received at one time."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidEventError("bad_attribute", "attribute recordedtime is no instant")
    return to_ms(instant)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(map(_has_nul, value))


def _faults(error: ValidationError) -> str:
    """Return field and reason of the first faults, never the input: deeper names may be what a sender made up."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:_FAULTS_TOLD]
    return "; ".join(f"{one['loc'][0] if one['loc'] else 'data'}: {one['msg']}" for one in found)


def _sender(record: StreamRecord) -> tuple[str | None, str | None, date | None]:
    """Return body, service and day of receipt as far as a record tells them.

    The day is told only where the key is that of the event, as feedback-api makes it: what somebody else put on the
    topic was never received.
    """
    try:
        envelope = decode(record.value or b"")
        day = utc_day(_recorded_at(envelope.recordedtime))
    except InvalidEventError:
        return None, None, None
    key = event_key(envelope.bodyid, envelope.source, envelope.id)
    ours = record.key == key.hex().encode()
    return _name(envelope.bodyid), _name(envelope.data.get("service")), day if ours else None


def _name(value: Any) -> str | None:
    usable = isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isascii() and value.isprintable()
    return value if usable else None
