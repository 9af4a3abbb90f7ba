"""CloudEvents 1.0 over HTTP: batched, structured and binary, turned into items of our own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from civiloop_shared.errors import MalformedError, ValidationError, ValidationFault

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
JSON = "application/json"
MEDIA_TYPES = (JSON, BATCH, STRUCTURED)

Item = dict[str, Any]
FromType = Callable[[str], Item | None]
"""Gives the fields that a type of event implies; None for a type that is not taken here."""


def media_type_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the media type of the body without its parameters."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")


def is_binary(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the attributes of a CloudEvent stand in the headers."""
    return b"ce-specversion" in headers


def from_headers(headers: Mapping[bytes, bytes], data: Any) -> Item:
    """Return the event of binary mode in structured form. Raises ``ValidationError`` for what is no UTF-8."""
    event: Item = {
        name[3:].decode("latin-1"): _unescaped(value, name)
        for name, value in headers.items()
        if name.startswith(b"ce-")
    }
    return {**event, "data": data}


def _unescaped(value: bytes, name: bytes) -> str:
    """Undo percent-encoding. Strictly: two ids that are no text must not become the same replacement characters."""
    try:
        return unquote(value.decode("utf-8"), errors="strict")
    except UnicodeDecodeError:
        raise ValidationError.of(ValidationFault(name[3:].decode("latin-1"), "is not UTF-8")) from None


def events_of(media_type: str, headers: Mapping[bytes, bytes], document: Any) -> list[Any] | None:
    """Return the events of a request; None when it carries none (then it is JSON of our own form).

    Raises:
        MalformedError: the body has not the form that its media type says.
    """
    if media_type == BATCH:
        if not isinstance(document, list):
            raise MalformedError("a CloudEvents batch is a JSON array")
        return document
    if media_type == STRUCTURED:
        return [document]
    return [from_headers(headers, document)] if is_binary(headers) else None


def to_item(event: Any, from_type: FromType) -> Item | list[ValidationFault]:
    """Turn one event into an item, or return what is wrong with it."""
    if not isinstance(event, dict):
        return [ValidationFault("body", "is not a CloudEvent")]
    faults = list(_attribute_faults(event))
    implied = from_type(event["type"]) if isinstance(event.get("type"), str) else {}
    if implied is None:
        faults.append(ValidationFault("type", "is not a type of event that is taken here"))
        implied = {}
    data = event.get("data")
    if not isinstance(data, dict):
        return [*faults, ValidationFault("data", "must be a JSON object")]
    faults += [
        ValidationFault(f"data.{name}", "stands in the attributes already") for name in ("id", "source") if name in data
    ]
    faults += [
        ValidationFault(f"data.{name}", "contradicts the type")
        for name in implied
        if data.get(name, implied[name]) != implied[name]
    ]
    if faults:
        return faults
    item = {**data, **implied, "id": event.get("id"), "source": event.get("source")}
    if "time" in event and not item.keys() & {"occurred_at", "period_from"}:
        item["occurred_at"] = event["time"]
    return item


def _attribute_faults(event: Item) -> list[ValidationFault]:
    faults = []
    if event.get("specversion") != "1.0":
        faults.append(ValidationFault("specversion", "must be 1.0"))
    faults += [
        ValidationFault(name, "is required")
        for name in ("id", "source", "type")
        if not isinstance(event.get(name), str)
    ]
    if event.get("datacontenttype") not in (None, JSON) and not str(event["datacontenttype"]).startswith(JSON):
        faults.append(ValidationFault("datacontenttype", f"must be {JSON}"))
    if "data_base64" in event:
        faults.append(ValidationFault("data_base64", "is not taken: send JSON as data"))
    return faults
