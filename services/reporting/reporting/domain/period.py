"""Periods as callers write them."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def month_bounds(text: str, zone: str) -> tuple[datetime, datetime] | None:
    """Return start and end of ``YYYY-MM`` in a zone; None when the text is no month."""
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1970 <= int(match[1]) <= 9000:
        return None
    year, month = int(match[1]), int(match[2])
    tz = ZoneInfo(zone)
    return datetime(year, month, 1, tzinfo=tz), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=tz)
