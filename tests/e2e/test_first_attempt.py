"""Who got their outcome at the first attempt, from events that a portal posts to the number that a front end reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.described import client, describe, eventually
from tests.support.platform import RunningPlatform

SERVICE = "first-attempt"


def events(number: int) -> list[dict[str, Any]]:
    """40 journeys that were fulfilled: of each ten one met an error, one sought help and one came back later."""
    between = {0: "error", 1: "help_sought", 2: "resumed"}.get(number % 10)
    at = datetime.now(UTC) - timedelta(hours=2)
    kinds = ["started", *([between] if between else []), "completed", "fulfilled"]
    return [
        {
            "id": f"first-attempt-{number}-{kind}",
            "service": SERVICE,
            "journey_id": f"first-attempt-{number}",
            "kind": kind,
            "channel": "web",
            "occurred_at": (at + timedelta(minutes=minute)).isoformat(),
        }
        for minute, kind in enumerate(kinds)
    ]


@pytest.mark.requirement("B23")
def test_help_an_error_or_a_second_visit_is_no_success_at_the_first_attempt(platform: RunningPlatform) -> None:
    addresses = platform.addresses
    describe(addresses, SERVICE)
    batch = {"events": [event for number in range(40) for event in events(number)]}
    with client(addresses.collector_url, addresses) as collector:
        eventually(lambda: collector.post("/v1/journeys", json=batch).status_code, lambda status: status == 202)

    def first_time_success() -> dict[str, Any]:
        with client(addresses.reporting_url, addresses) as reporting:
            results = reporting.get(f"/v1/services/{SERVICE}/scorecard").json().get("results", ())
        return next((one for one in results if one["kpi"] == "first-time-success"), {})

    found = eventually(first_time_success, lambda one: one.get("n") == 40)
    assert (found["value"], found["numerator"], found["denominator"]) == (70.0, 28, 40)
    assert found["interval"]["low"] < 70.0 < found["interval"]["high"]
