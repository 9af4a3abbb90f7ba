"""Reading items, events, keys and settings: strict, and without repeating what was sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError as SettingsError

from civiloop_shared.errors import ValidationError
from civiloop_shared.settings import settings_faults
from feedback_api.adapters.contact_vault import AesGcmContactVault
from feedback_api.api.cloudevents import TYPE, binary_attributes, item_of
from feedback_api.api.items import read_item
from feedback_api.errors import InFlightError
from feedback_api.service.in_flight import InFlight
from feedback_api.settings import Settings

ITEM = {"service": "building-permit", "channel": "web", "rating": 4}
EVENT = {"specversion": "1.0", "id": "e1", "source": "urn:s", "type": TYPE, "data": ITEM}


@pytest.mark.parametrize(
    "change",
    [
        {"rating": 0},
        {"rating": 6},
        {"rating": True},
        {"rating": "4"},
        {"rating": 4.0},
        {"nps": 11},
        {"effort": 8},
        {"task_done": "maybe"},
        {"channel": "pigeon"},
        {"comment": "x" * 5001},
        {"occurred_at": 1_700_000_000},
        {"occurred_at": "1700000000"},
        {"occurred_at": "2026-11-24T10:00:00"},
        {"occurred_at": "2026-11-24"},
        {"assisted_digital": "yes"},
        {"segments": {"age": "a|b"}},
        {"raiting": 4},
        {"service": "Building Permit"},
        {"id": ""},
        {"contact": ""},
    ],
)
def test_a_faulty_field_is_named_and_its_value_is_not_repeated(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        read_item({**ITEM, **change}, "items.3")
    [fault] = refused.value.faults
    assert fault.field.startswith(f"items.3.{next(iter(change))}")


def test_a_comment_of_blanks_is_no_comment() -> None:
    assert read_item({**ITEM, "comment": " \n "}).comment is None


def test_an_event_gives_its_identity_and_time_to_the_answers() -> None:
    item = item_of({**EVENT, "time": "2026-11-24T10:00:00Z", "traceparent": "ignored"})
    assert item == {**ITEM, "id": "e1", "source": "urn:s", "occurred_at": "2026-11-24T10:00:00Z"}


def test_data_may_come_in_base64() -> None:
    encoded = base64.b64encode(b'{"service":"building-permit","channel":"web","rating":4}').decode()
    event = {name: value for name, value in EVENT.items() if name != "data"}
    assert item_of({**event, "data_base64": encoded})["rating"] == 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"specversion": "0.3"}, "specversion"),
        ({"type": "other"}, "type"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data": [1]}, "data"),
        ({"data": {**ITEM, "id": "x"}}, "data.id"),
        ({"data_base64": "!!"}, "data_base64"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        item_of({**EVENT, **change})
    assert [fault.field for fault in refused.value.faults] == [field]


@pytest.mark.parametrize("event", [None, 1, "x", []])
def test_what_is_no_object_is_no_event(event: Any) -> None:
    with pytest.raises(ValidationError):
        item_of(event)


def test_headers_of_an_event_are_percent_decoded() -> None:
    headers = {"ce-id": "caf%C3%A9", "ce-source": "urn:s", "ce-type": TYPE, "ce-specversion": "1.0"}
    attributes = binary_attributes(headers)
    assert attributes is not None
    assert attributes["id"] == "café"
    assert binary_attributes({"content-type": "application/json"}) is None
    with pytest.raises(ValidationError):
        binary_attributes({**headers, "ce-id": "%ff"})


def test_a_contact_opens_only_for_its_feedback_and_with_its_key() -> None:
    vault = AesGcmContactVault(bytes(32))
    sealed = vault.seal(b"feedback", "me@example.org")
    assert b"example" not in sealed
    assert sealed != vault.seal(b"feedback", "me@example.org")
    assert vault.open(b"feedback", sealed) == "me@example.org"
    assert vault.open(b"another", sealed) is None
    assert AesGcmContactVault(b"k" * 32).open(b"feedback", sealed) is None


def test_one_request_a_key_is_let_through_at_a_time() -> None:
    in_flight = InFlight()
    with in_flight.alone("city", "k", "1"), in_flight.alone("city", "k", "2"), pytest.raises(InFlightError):
        in_flight.alone("city", "k", "1").__enter__()
    with in_flight.alone("city", "k", "1"):
        pass


def test_all_faults_of_the_settings_are_listed_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "nowhere")
    monkeypatch.setenv("CIVILOOP_CONTACT_KEY", "hush-too-short")
    monkeypatch.setenv("CIVILOOP_RECEIPT_SECRET", "hush-too")
    with pytest.raises(SettingsError) as refused:
        Settings()
    lines = "\n".join(settings_faults(refused.value))
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "CIVILOOP_CONTACT_KEY", "CIVILOOP_RECEIPT_SECRET"):
        assert name in lines
    assert "hush" not in lines
