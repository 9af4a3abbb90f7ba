"""CloudEvents 1.0 over HTTP: binary, structured and batched."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from civiloop_shared.contracts.feedback import FeedbackReceived
from civiloop_shared.edge.strict_json import strict_json
from civiloop_shared.errors import MalformedError, ValidationError, ValidationFault

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
TYPE = FeedbackReceived.TYPE
"""The one type of event that is taken."""

_ATTRIBUTES = ("specversion", "type", "id", "source", "time", "datacontenttype")
_GIVEN_BY_EVENT = ("id", "source")
_JSON_TYPES = ("application/json", "text/json")


def binary_attributes(headers: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the attributes of an event in binary mode; None when the request is no event."""
    if "ce-specversion" not in headers and "ce-id" not in headers:
        return None
    given = {name: headers.get(f"ce-{name}") for name in _ATTRIBUTES if name != "datacontenttype"}
    return {name: _unescaped(value, name) for name, value in given.items() if value is not None}


def item_of(event: Any) -> Any:
    """Return the answer set in an event, with id and source from its attributes.

    Raises ``ValidationError`` when it is no event of ours.
    """
    if not isinstance(event, dict):
        raise ValidationError.of(ValidationFault("body", "must be an object"))
    return with_attributes(_data(event), event)


def with_attributes(data: Any, attributes: Mapping[str, Any]) -> Any:
    """Return data as an answer set with id, source and time of the event's attributes."""
    faults = [*_attribute_faults(attributes)]
    if not isinstance(data, dict):
        faults.append(ValidationFault("data", "must be an object"))
    else:
        faults += [ValidationFault(f"data.{name}", "is given by the event") for name in _GIVEN_BY_EVENT if name in data]
    if faults:
        raise ValidationError(faults=faults)
    item = {**data, "id": attributes["id"], "source": attributes["source"]}
    if attributes.get("time") is not None:
        item.setdefault("occurred_at", attributes["time"])
    return item


def _attribute_faults(attributes: Mapping[str, Any]) -> list[ValidationFault]:
    faults = [
        ValidationFault(name, "is required and must be a text")
        for name in ("id", "source", "type", "specversion")
        if not isinstance(attributes.get(name), str) or not attributes[name]
    ]
    if not faults and attributes["specversion"] != "1.0":
        faults.append(ValidationFault("specversion", "must be 1.0"))
    if not faults and attributes["type"] != TYPE:
        faults.append(ValidationFault("type", f"must be {TYPE}"))
    content_type = attributes.get("datacontenttype")
    if content_type is not None and not (
        isinstance(content_type, str) and content_type.partition(";")[0].strip().lower() in _JSON_TYPES
    ):
        faults.append(ValidationFault("datacontenttype", "must be application/json"))
    return faults


def _data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    encoded = event["data_base64"]
    if "data" in event or not isinstance(encoded, str):
        raise ValidationError.of(ValidationFault("data_base64", "must be a text, and stands instead of data"))
    try:
        return strict_json(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, MalformedError):
        raise ValidationError.of(ValidationFault("data_base64", "must be JSON in base64")) from None


def _unescaped(value: str, name: str) -> str:
    """Undo the percent-encoding of header values (section 3.1.3.2 of the HTTP binding)."""
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise ValidationError.of(ValidationFault(name, "is not UTF-8")) from None
