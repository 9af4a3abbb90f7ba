"""Instants in SQL: we count milliseconds, the tables hold timestamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(expression: str) -> str:
    """Return SQL that makes a timestamp of milliseconds since 1970."""
    return f"to_timestamp({expression} / 1000::float8)"


def millis(expression: str) -> str:
    """Return SQL that makes milliseconds since 1970 of a timestamp."""
    return f"(extract(epoch FROM {expression}) * 1000)::bigint"


def from_ms(at_ms: int) -> datetime:
    """Return the instant."""
    return _EPOCH + timedelta(milliseconds=at_ms)
