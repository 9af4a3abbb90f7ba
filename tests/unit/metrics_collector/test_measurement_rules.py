"""Which measurements are taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from metrics_collector.service.measurements import sort_measurements

from .conftest import Desk


def value(**fields: Any) -> dict[str, Any]:
    return {
        "id": "m1",
        "service": "permit",
        "name": "cost",
        "kind": "cost",
        "unit": "EUR",
        "value": Decimal("12.50"),
        **fields,
    }


def judged(desk: Desk, **fields: Any) -> list[tuple[str, str]]:
    sorting = sort_measurements(desk.batch(value(**fields)), desk.rules())
    return [(fault.field, fault.reason) for rejected in sorting.rejected for fault in rejected.faults]


def test_a_measurement_is_keyed_by_service_and_name_and_its_number_has_one_form(desk: Desk) -> None:
    batch = desk.batch(
        value(occurred_at="2026-11-24T12:00:00Z"), value(occurred_at="2026-11-24T12:00:00Z", value=Decimal("12.5"))
    )
    (key, first), (_, second) = sort_measurements(batch, desk.rules()).events
    assert key == b"permit/cost"
    assert first["data"] == second["data"]
    assert first["data"]["value"] == "12.5"


def test_large_numbers_are_written_without_exponent(desk: Desk) -> None:
    [(_, made)] = sort_measurements(
        desk.batch(value(occurred_at="2026-11-24T12:00:00Z", value=Decimal(1000))), desk.rules()
    ).events
    assert made["data"]["value"] == "1000"


def test_a_period_counts_by_its_end(desk: Desk) -> None:
    assert judged(desk, period_from="2026-09-01T00:00:00Z", period_to="2026-11-20T00:00:00Z") == []
    [(field, reason)] = judged(desk, period_from="2026-09-01T00:00:00Z", period_to="2026-10-01T00:00:00Z")
    assert field == "period_to"
    assert "send older events as an import" in reason
    assert judged(desk, period_from="2026-11-01T00:00:00Z", period_to="2026-12-01T00:00:00Z") == [
        ("period_to", "is in the future")
    ]


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"period_from": "2026-11-01T00:00:00Z"},
        {
            "occurred_at": "2026-11-01T00:00:00Z",
            "period_from": "2026-11-01T00:00:00Z",
            "period_to": "2026-11-02T00:00:00Z",
        },
    ],
)
def test_there_is_one_time_or_one_period(desk: Desk, times: dict[str, str]) -> None:
    assert judged(desk, **times) == [("occurred_at", "give either occurred_at or period_from and period_to")]


def test_a_period_does_not_end_before_it_begins(desk: Desk) -> None:
    assert judged(desk, period_from="2026-11-20T00:00:00Z", period_to="2026-11-20T00:00:00Z") == [
        ("period_to", "must be after period_from")
    ]


def test_a_time_that_does_not_exist_is_named(desk: Desk) -> None:
    assert judged(desk, occurred_at="2026-02-30T00:00:00Z") == [("occurred_at", "is not a time that exists")]
