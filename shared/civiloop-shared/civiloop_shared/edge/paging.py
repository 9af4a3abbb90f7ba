"""Pages of a list by cursor: opaque to the caller, stable while rows are added."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query

from civiloop_shared.errors import ValidationError, ValidationFault

T = TypeVar("T")

PageLimit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
PageCursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before.")]
_LONGEST_CURSOR = 512


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of those that follow (None on the last page)."""

    items: Sequence[T]
    next: str | None


def encode_cursor(position: Sequence[str | int]) -> str:
    """Return the cursor of a position: the sort key of the last item shown."""
    return base64.urlsafe_b64encode(orjson.dumps(list(position))).rstrip(b"=").decode()


def decode_cursor(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """Return the position. Raises ``ValidationError`` when it doesn't consist of these kinds."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        position = orjson.loads(raw) if len(cursor) <= _LONGEST_CURSOR else None
    except (ValueError, binascii.Error):
        position = None
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds) or any(map(_odd, position)):
        raise ValidationError.of(ValidationFault("cursor", "is not a cursor of this list"))
    return tuple(position)


def _odd(part: Any) -> bool:
    """Say whether a part is of no use as a sort key: PostgreSQL takes no NUL, and integers of 64 bits."""
    return "\x00" in part if isinstance(part, str) else isinstance(part, int) and not -(2**63) <= part < 2**63


def page_of(found: Sequence[T], limit: int, position_of: Callable[[T], Sequence[str | int]]) -> Page[T]:
    """Make a page of up to ``limit`` items. Fetch one more than ``limit``, to know whether others follow."""
    items = found[:limit]
    return Page(items, encode_cursor(position_of(items[-1])) if len(found) > limit else None)
