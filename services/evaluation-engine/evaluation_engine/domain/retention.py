"""How long facts are kept: whole months of the service's own zone, so that each month has all of its facts or none."""

from __future__ import annotations

from evaluation_engine.domain.buckets import calendar


def facts_from_ms(now_ms: int, keep_months: int, zone: str) -> int:
    """Return the start of the local month that lies ``keep_months`` before the present one, in ms since 1970."""
    local = calendar(zone)
    today = local.date_of(now_ms)
    months = today.year * 12 + today.month - 1 - keep_months
    return local.start_of(today.replace(year=months // 12, month=months % 12 + 1, day=1))
