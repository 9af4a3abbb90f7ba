"""Instants as integer milliseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(instant: datetime) -> int:
    """Return whole milliseconds, rounded down, exactly."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def utc_day(at_ms: int) -> date:
    """Return the UTC date of an instant."""
    return date.fromordinal(_EPOCH_DAY + at_ms // DAY_MS)


_EPOCH_DAY = _EPOCH.date().toordinal()
