"""Which measurements are taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from civiloop_shared.contracts.measurements import MeasurementRecorded
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


INSTANT = {"occurred_at": "2026-11-24T12:00:00Z"}
DAY = {"period_from": "2026-11-20T00:00:00Z", "period_to": "2026-11-21T00:00:00Z"}
LCP = {"name": "lcp", "kind": "timing", "unit": "ms", "value": None}
SAMPLES = [{"value": Decimal("1200.50"), "count": 3}, {"value": Decimal(90), "count": 1}]


def test_samples_stand_in_place_of_a_value_and_their_numbers_have_one_form(desk: Desk) -> None:
    [(_, made)] = sort_measurements(desk.batch(value(**LCP, **DAY, samples=SAMPLES)), desk.rules()).events
    assert "value" not in made["data"]
    assert made["data"]["samples"] == [{"value": "1200.5", "count": 3}, {"value": "90", "count": 1}]
    assert MeasurementRecorded.model_validate(made["data"]).scaled_samples() == [(1_200_500, 3), (90_000, 1)]


def test_a_timing_at_an_instant_is_one_sample(desk: Desk) -> None:
    sent = value(**{**LCP, "value": Decimal("81.2")}, **INSTANT)
    [(_, made)] = sort_measurements(desk.batch(sent), desk.rules()).events
    assert MeasurementRecorded.model_validate(made["data"]).scaled_samples() == [(81_200, 1)]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({**INSTANT, "value": None}, ("value", "give either value or samples")),
        ({**INSTANT, "samples": SAMPLES}, ("value", "give either value or samples")),
        ({**INSTANT, "value": None, "samples": SAMPLES}, ("samples", "belong to the kinds timing and score")),
        ({**LCP, **INSTANT, "samples": SAMPLES, "unit": "s"}, ("unit", "of a timing must be ms")),
        ({**LCP, **INSTANT, "samples": SAMPLES, "kind": "score"}, ("unit", "of a score must be 1")),
        (
            {**LCP, **DAY, "value": Decimal(3)},
            ("value", "over a period can't stand for a timing: give samples, or a value at an instant"),
        ),
        (
            {**LCP, **INSTANT, "value": Decimal(-3)},
            ("value", "of a timing must be at least 0 and less than 10000000000"),
        ),
        (
            {**LCP, **DAY, "samples": SAMPLES, "period_from": "2026-08-01T00:00:00Z"},
            ("period_to", "of a timing must be at most 32 days after period_from"),
        ),
    ],
)
def test_what_is_wrong_with_a_distribution_is_named(desk: Desk, fields: dict[str, Any], fault: tuple[str, str]) -> None:
    assert judged(desk, **fields) == [fault]
    with pytest.raises(ValidationError, match=fault[1]):
        MeasurementRecorded.model_validate(value(**fields))
