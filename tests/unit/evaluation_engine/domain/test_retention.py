"""Facts are kept by whole months of the service's own zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from evaluation_engine.domain.retention import facts_from_ms

ATHENS = ZoneInfo("Europe/Athens")


def ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "months", "first"),
    [
        (datetime(2026, 11, 29, 12, tzinfo=ATHENS), 25, datetime(2024, 10, 1, tzinfo=ATHENS)),
        (datetime(2026, 11, 1, 0, 30, tzinfo=ATHENS), 1, datetime(2026, 10, 1, tzinfo=ATHENS)),
        (datetime(2026, 1, 31, 12, tzinfo=ATHENS), 1, datetime(2025, 12, 1, tzinfo=ATHENS)),
        (datetime(2026, 1, 31, 12, tzinfo=ATHENS), 13, datetime(2024, 12, 1, tzinfo=ATHENS)),
        (datetime(2024, 2, 29, 12, tzinfo=ATHENS), 12, datetime(2023, 2, 1, tzinfo=ATHENS)),
    ],
)
def test_facts_are_kept_from_the_start_of_a_local_month_on(now: datetime, months: int, first: datetime) -> None:
    assert facts_from_ms(ms(now), months, "Europe/Athens") == ms(first)


def test_a_month_begins_at_the_midnight_of_the_services_own_zone() -> None:
    now = ms(datetime(2026, 10, 31, 23, 0, tzinfo=ZoneInfo("UTC")))

    assert facts_from_ms(now, 1, "Europe/Athens") == ms(datetime(2026, 10, 1, tzinfo=ATHENS))
    assert facts_from_ms(now, 1, "UTC") == ms(datetime(2026, 9, 1, tzinfo=ZoneInfo("UTC")))
