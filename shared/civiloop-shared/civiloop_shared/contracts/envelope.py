"""CloudEvents 1.0 in structured mode, the form of every value on our topics."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import orjson

from civiloop_shared.errors import CiviloopError

CONTENT_TYPE = "application/cloudevents+json"
HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", CONTENT_TYPE.encode()),)
_REQUIRED = ("id", "source", "type", "bodyid", "recordedtime")


class InvalidEventError(CiviloopError):
    """A topic's value can never be counted; ``reason`` is a stable word for it."""

    code: ClassVar[str] = "invalid_event"
    title: ClassVar[str] = "The value is no event of ours"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Envelope(NamedTuple):
    """One event: CloudEvents attributes, our extensions and the payload as parsed JSON.

    ``time`` and ``recordedtime`` are RFC 3339 in UTC; ``recordedtime`` is when we received the event.
    """

    id: str
    source: str
    type: str
    time: str
    bodyid: str
    recordedtime: str
    data: dict[str, Any]
    traceparent: str | None = None


def encode(event: Envelope) -> bytes:
    """Return the JSON bytes of an event for a topic."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "datacontenttype": "application/json",
        "bodyid": event.bodyid,
        "recordedtime": event.recordedtime,
    }
    if event.traceparent is not None:
        document["traceparent"] = event.traceparent
    document["data"] = event.data
    return orjson.dumps(document)


def decode(value: bytes) -> Envelope:
    """Return the event in a topic's value; raise ``InvalidEventError`` with the reason when it is none."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidEventError("not_json", "the value is not JSON") from error
    if not isinstance(document, dict) or document.get("specversion") != "1.0":
        raise InvalidEventError("not_cloudevent", "the value is not a CloudEvents 1.0 object")
    required: list[str] = []
    for name in _REQUIRED:
        attribute = document.get(name)
        if not isinstance(attribute, str) or not attribute:
            raise InvalidEventError("bad_attribute", f"attribute {name} is missing or not a string")
        required.append(attribute)
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidEventError("bad_data", "data is missing or not an object")
    id_, source, type_, body, recorded = required
    time = str(document.get("time") or recorded)
    return Envelope(id_, source, type_, time, body, recorded, data, document.get("traceparent"))
