"""How an event, a journey and a payload are identified across all services."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

_SEPARATOR = "\x00"


def event_key(body: str, source: str, event_id: str) -> bytes:
    """Return the 16-byte identity of an event: a hash of (body, source, id).

    CloudEvents ids are any string, unique per source; NUL can't occur in any of the three, so it separates them.
    """
    return _digest(body, source, event_id)


def journey_key(body: str, journey_id: str) -> bytes:
    """Return the 16-byte identity of a journey, over all channels and services of one body."""
    return _digest(body, "journey", journey_id)


def payload_hash(event_type: str, data: Any) -> int:
    """Return a signed 64-bit hash of an event's type and data: equal ids with unequal hashes are a conflict.

    ``observed_until`` is left out: it tells of the import and not of the event, and next month's import of the same log
    has another one.
    """
    if isinstance(data, dict) and "observed_until" in data:
        data = {name: value for name, value in data.items() if name != "observed_until"}
    canonical = orjson.dumps([event_type, data], option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest(), "big", signed=True)


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=16).digest()
