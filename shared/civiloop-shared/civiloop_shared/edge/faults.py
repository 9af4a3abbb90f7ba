"""From pydantic's and FastAPI's errors to ``ValidationFault``: the field and the reason, never what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pydantic
from pydantic import BaseModel, TypeAdapter

from civiloop_shared.errors import ValidationError, ValidationFault

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_REASONS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "union_tag_invalid": "is not one of the known kinds",
    "uuid_parsing": "must be a UUID",
    "json_invalid": "is not valid JSON",
}
_SHORTEST_ECHO = 3
_LONGEST_REASON = 300
_MOST_FAULTS = 100


def faults_of(errors: Sequence[Mapping[str, Any]], prefix: str = "") -> tuple[ValidationFault, ...]:
    """Turn the result of ``error.errors()`` into faults, at most a hundred. ``prefix`` is put before the fields."""
    return tuple(ValidationFault(_field(error["loc"], prefix), _reason(error)) for error in errors[:_MOST_FAULTS])


def parse_model(model: type[M], value: Any, prefix: str = "") -> M:
    """Validate a value that ``strict_json`` read. Raises our ``ValidationError``."""
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        raise ValidationError(faults=faults_of(error.errors(include_url=False), prefix)) from None


def parse_as(adapter: TypeAdapter[T], value: Any, prefix: str = "") -> T:
    """Validate a value with a type adapter. Raises our ``ValidationError``."""
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        raise ValidationError(faults=faults_of(error.errors(include_url=False), prefix)) from None


def _field(location: Sequence[str | int], prefix: str) -> str:
    parts = list(location[1:] if location and location[0] == "body" else location)
    names = [str(part) if isinstance(part, int) or _PLAIN_NAME.fullmatch(part) else "?" for part in parts]
    return ".".join([prefix, *names] if prefix else names) or "body"


def _reason(error: Mapping[str, Any]) -> str:
    known = _REASONS.get(error["type"])
    if known is not None:
        return known
    reason: str = error["msg"].removeprefix("Value error, ")
    if len(reason) > _LONGEST_REASON or any(text in reason for text in _texts(error.get("input"))):
        return "is not valid"
    return reason


def _texts(value: Any) -> Iterator[str]:
    """Yield what the caller wrote, as far as a message could repeat it."""
    if isinstance(value, str):
        if len(value) >= _SHORTEST_ECHO:
            yield value
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
