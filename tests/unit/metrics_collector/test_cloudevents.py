"""CloudEvents become items of our own form."""

from __future__ import annotations

from typing import Any

import pytest

from civiloop_shared.errors import MalformedError
from metrics_collector.api.cloudevents import events_of, from_headers, to_item


def from_type(event_type: str) -> dict[str, Any] | None:
    return {"kind": "step"} if event_type == "civiloop.journey.step.v1" else None


def cloud_event(**fields: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "urn:portal",
        "type": "civiloop.journey.step.v1",
        "time": "2026-11-24T12:00:00Z",
        "data": {"service": "permit", "journey_id": "j1"},
        **fields,
    }


def fields_of(result: Any) -> list[str]:
    return [fault.field for fault in result]


def test_type_and_time_stand_for_kind_and_occurred_at() -> None:
    assert to_item(cloud_event(), from_type) == {
        "id": "e1",
        "source": "urn:portal",
        "service": "permit",
        "journey_id": "j1",
        "kind": "step",
        "occurred_at": "2026-11-24T12:00:00Z",
    }


def test_a_time_in_the_data_wins_over_that_of_the_envelope() -> None:
    item = to_item(cloud_event(data={"occurred_at": "2026-11-24T11:00:00Z"}), from_type)
    assert isinstance(item, dict)
    assert item["occurred_at"] == "2026-11-24T11:00:00Z"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"specversion": "0.3"}, ["specversion"]),
        ({"type": "com.example.other"}, ["type"]),
        ({"id": 7}, ["id"]),
        ({"data": "text"}, ["data"]),
        ({"data_base64": "eA=="}, ["data_base64"]),
        ({"datacontenttype": "text/xml"}, ["datacontenttype"]),
        ({"data": {"kind": "started"}}, ["data.kind"]),
        ({"data": {"id": "other"}}, ["data.id"]),
    ],
)
def test_a_bad_attribute_is_named(fields: dict[str, Any], named: list[str]) -> None:
    assert fields_of(to_item(cloud_event(**fields), from_type)) == named


@pytest.mark.parametrize("event", [None, 3, "text", []])
def test_what_is_no_object_is_no_event(event: Any) -> None:
    assert fields_of(to_item(event, from_type)) == ["body"]


def test_binary_mode_reads_percent_encoded_headers() -> None:
    headers = {
        b"ce-specversion": b"1.0",
        b"ce-id": b"caf%C3%A9",
        b"ce-source": b"urn:x",
        b"content-type": b"application/json",
    }
    event = from_headers(headers, {"a": 1})
    assert event == {"specversion": "1.0", "id": "café", "source": "urn:x", "data": {"a": 1}}


def test_a_batch_has_to_be_an_array() -> None:
    with pytest.raises(MalformedError):
        events_of("application/cloudevents-batch+json", {}, {"events": []})
    assert events_of("application/json", {}, {}) is None
