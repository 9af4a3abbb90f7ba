"""Instants: datetimes outside, whole milliseconds since 1970 UTC inside."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(at_ms: int) -> datetime:
    """A UTC datetime."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def ms_of(at: datetime) -> int:
    """The nearest whole millisecond."""
    return round(at.timestamp() * 1000)
