"""Which journey events are taken, and what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics_collector.domain.intake import read_instant
from metrics_collector.service.journeys import sort_events

from .conftest import NOW, Desk


def event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "service": "permit",
        "journey_id": "j1",
        "kind": "step",
        "occurred_at": "2026-11-24T13:00:00+02:00",
        **fields,
    }


def faults(desk: Desk, item: dict[str, Any], observed_until: datetime | None = None) -> list[tuple[str, str]]:
    sorting = sort_events(desk.batch(item), desk.rules(observed_until))
    return [(fault.field, fault.reason) for rejected in sorting.rejected for fault in rejected.faults]


def test_an_event_becomes_an_envelope_with_the_body_of_the_key(desk: Desk) -> None:
    batch = desk.batch(event(channel="web", segments={"age": "18-25"}), traceparent="00-1-2-01")
    [(key, document)] = sort_events(batch, desk.rules()).events
    assert key == b"city/j1"
    assert document["bodyid"] == "city"
    assert document["source"] == "urn:civiloop:key:k1"
    assert document["type"] == "civiloop.journey.step.v1"
    assert document["traceparent"] == "00-1-2-01"
    assert document["recordedtime"] == NOW
    assert document["data"] == {
        "service": "permit",
        "journey_id": "j1",
        "kind": "step",
        "occurred_at": datetime(2026, 11, 24, 11, 0, tzinfo=UTC),
        "channel": "web",
        "segments": {"age": "18-25"},
    }


def test_what_is_absent_empty_or_false_makes_the_same_payload(desk: Desk) -> None:
    bare, spelled = event(), event(channel=None, step=None, segments={}, assisted_digital=False)
    made = sort_events(desk.batch(bare, spelled), desk.rules()).events
    assert made[0][1]["data"] == made[1][1]["data"]


@pytest.mark.parametrize("service", ["nowhere", "elsewhere"])
def test_a_service_that_is_unknown_or_of_another_body_is_refused_in_the_same_words(desk: Desk, service: str) -> None:
    assert faults(desk, event(service=service)) == [("service", "is not a service of your body")]


def test_a_key_limited_to_other_services_is_refused(desk: Desk) -> None:
    assert faults(desk.limited_to("kiosk-only"), event()) == [("service", "is not among the services of this key")]


@pytest.mark.parametrize(
    ("moment", "field"),
    [
        (NOW + timedelta(minutes=5), None),
        (NOW + timedelta(minutes=5, milliseconds=1), "occurred_at"),
        (NOW - timedelta(days=14), None),
        (NOW - timedelta(days=14, milliseconds=1), "occurred_at"),
    ],
)
def test_live_events_may_be_five_minutes_ahead_and_as_old_as_the_service_says(
    desk: Desk, moment: datetime, field: str | None
) -> None:
    found = faults(desk, event(occurred_at=moment.isoformat()))
    assert [name for name, _ in found] == ([] if field is None else [field])


def test_a_service_may_take_less_old_events(desk: Desk) -> None:
    [(field, reason)] = faults(desk, event(service="kiosk-only", occurred_at="2026-11-20T12:00:00Z"))
    assert field == "occurred_at"
    assert reason.startswith("is older than 2 days; send older events as an import")


def test_an_import_takes_any_age_up_to_what_it_observed(desk: Desk) -> None:
    until = datetime(2012, 1, 23, tzinfo=UTC)
    assert faults(desk, event(occurred_at="2010-10-06T13:21:33+02:00"), until) == []
    assert faults(desk, event(occurred_at="2012-01-23T00:00:00.001Z"), until) == [
        ("occurred_at", "is after observed_until")
    ]
    assert faults(desk, event(occurred_at="1969-12-31T23:59:59Z"), until) == [("occurred_at", "is before 1970")]


def test_an_import_writes_down_what_it_observed(desk: Desk) -> None:
    until = datetime(2012, 1, 23, tzinfo=UTC)
    batch = desk.batch(event(occurred_at="2011-01-01T00:00:00Z"), observed_until=until)
    [(_, document)] = sort_events(batch, desk.rules(until)).events
    assert document["data"]["observed_until"] == until


@pytest.mark.parametrize(
    "text", ["2026-02-30T00:00:00Z", "2026-11-24T25:00:00Z", "2026-11-24T12:00:60Z", "0001-01-01T00:00:00+23:59"]
)
def test_a_time_that_does_not_exist_is_refused(desk: Desk, text: str) -> None:
    assert faults(desk, event(occurred_at=text)) == [("occurred_at", "is not a time that exists")]


def test_channel_and_segments_have_to_be_declared(desk: Desk) -> None:
    assert faults(desk, event(service="kiosk-only", channel="web", segments={"age": "18-25"})) == [
        ("channel", "is not a channel of this service: kiosk"),
        ("segments.age", "is not a segment that this service declares"),
    ]
    assert faults(desk, event(segments={"age": "young"})) == [
        ("segments.age", "is none of its declared values: 18-25, 26-64")
    ]


def test_a_bad_event_keeps_no_good_one_back(desk: Desk) -> None:
    sorting = sort_events(desk.batch(event(id="a"), event(id="b", service="nowhere"), event(id="c")), desk.rules())
    assert [document["id"] for _, document in sorting.events] == ["a", "c"]
    assert [(rejected.index, rejected.id) for rejected in sorting.rejected] == [(1, "b")]


def test_instants_are_read_with_more_digits_than_we_keep() -> None:
    assert read_instant("2026-11-24T12:00:00.123456789Z") == datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
