"""What can be read and breaks a rule: refused with the field and the reason, and nothing changes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import CANARY, Refused
from tests.support.two_bodies import FOREIGN, SERVICE, Stored, TwoBodies

NOW = datetime.now(UTC)
LONG = CANARY + "a" * 10_000
MINUTE_AGO = (NOW - timedelta(minutes=1)).isoformat()
INSTANTS: dict[str, Any] = {
    "tomorrow": (NOW + timedelta(days=1)).isoformat(),
    "in six hours": (NOW + timedelta(hours=6)).isoformat(),
    "years ago": "2001-09-09T01:46:40Z",
    "before 1970": "1969-12-31T23:59:59Z",
    "the year 9999": "9999-12-31T23:59:59+00:00",
    "the year 0": "0000-01-01T00:00:00Z",
    "a day that does not exist": "2026-02-30T10:00:00Z",
    "an hour that does not exist": "2026-11-01T25:00:00Z",
    "an offset that does not exist": "2026-11-01T10:00:00+99:00",
    "no offset": "2026-11-01T10:00:00",
    "a date": "2026-11-01",
    "seconds since 1970": 1_795_000_000,
    "words": f"yesterday {CANARY}",
    "digits of another script": "٢٠٢٦-11-01T10:00:00Z",
    "a list": [],
}
SHARED: dict[str, tuple[str, Any]] = {
    "an unknown service": ("service", CANARY),
    "another body's service": ("service", FOREIGN),
    "no service": ("service", None),
    "a service that is a number": ("service", 7),
    "a service with capitals": ("service", "Road-Permit"),
    "a channel that nobody knows": ("channel", f"fax {CANARY}"),
    "a channel that the service has not": ("channel", "kiosk"),
    "a channel that is a list": ("channel", ["web"]),
    "an id of 201 characters": ("id", CANARY.ljust(201, "a")),
    "an empty id": ("id", ""),
    "an id that is a number": ("id", 7),
    "a source of 201 characters": ("source", CANARY.ljust(201, "a")),
}
BOTH: dict[str, tuple[str, Any]] = {
    "a step of two lines": ("step", f"{CANARY}\nb"),
    "a step of 101 characters": ("step", CANARY.ljust(101, "a")),
    "a step with a bar": ("step", f"{CANARY}|b"),
    "a language that is no tag": ("language", f"{CANARY}!!"),
    "assistance in words": ("assisted_digital", "yes"),
    "a journey of 201 characters": ("journey_id", CANARY.ljust(201, "a")),
    "segments in a list": ("segments", ["18-34"]),
    "an empty journey": ("journey_id", ""),
}
FEEDBACK: dict[str, tuple[str, Any]] = {
    **SHARED,
    **BOTH,
    "a rating of 0": ("rating", 0),
    "a rating of 6": ("rating", 6),
    "a rating of 4.5": ("rating", 4.5),
    "a rating in quotes": ("rating", "4"),
    "a rating that is true": ("rating", True),
    "a rating of 2⁶²": ("rating", 2**62),
    "a rating in an object": ("rating", {"value": CANARY}),
    "nothing but a service": ("rating", None),
    "an NPS of 11": ("nps", 11),
    "an NPS below 0": ("nps", -1),
    "an effort of 8": ("effort", 8),
    "a task half done": ("task_done", CANARY),
    "a comment in a list": ("comment", [CANARY]),
    "a comment of 20,000 characters": ("comment", LONG * 2),
    "a page of 501 characters": ("page", CANARY.ljust(501, "a")),
    "a contact of 321 characters": ("contact", CANARY.ljust(321, "a")),
    "an unknown field": ("rating_", 4),
    "no channel": ("channel", None),
    **{f"said {what}": ("occurred_at", value) for what, value in INSTANTS.items()},
}
JOURNEY: dict[str, tuple[str, Any]] = {
    **SHARED,
    **BOTH,
    "a kind that nobody knows": ("kind", CANARY),
    "no kind": ("kind", None),
    "no journey": ("journey_id", None),
    "no id": ("id", None),
    "an unknown field": ("kind_", 4),
    "no time": ("occurred_at", None),
    **{f"happened {what}": ("occurred_at", value) for what, value in INSTANTS.items()},
}
MEASUREMENT: dict[str, tuple[str, Any]] = {
    **SHARED,
    "a value in words": ("value", CANARY),
    "a value of NaN": ("value", "NaN"),
    "a value of Infinity": ("value", "Infinity"),
    "a value of 19 digits": ("value", 1_234_567_890_123_456_789),
    "a value of four decimals": ("value", 1.2345),
    "a value of 10³⁰⁰": ("value", 1e300),
    "a value that is true": ("value", True),
    "no value": ("value", None),
    "a kind that nobody knows": ("kind", CANARY),
    "a unit with blanks": ("unit", f"{CANARY} x"),
    "a name with capitals": ("name", "Cost"),
    "a period without an end": ("period_from", MINUTE_AGO),
    **{f"measured {what}": ("occurred_at", value) for what, value in INSTANTS.items()},
}


def changed(item: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """Return the item with another value; None leaves the field out."""
    return {name: kept for name, kept in {**item, field: value}.items() if kept is not None}


def feedback(field: str = "rating", value: Any = 4) -> dict[str, Any]:
    return changed({"service": SERVICE, "channel": "web", "rating": 4, "comment": None}, field, value)


def journey(field: str = "kind", value: Any = "started") -> dict[str, Any]:
    item = {"id": "bad-1", "service": SERVICE, "journey_id": "bad", "kind": "started", "occurred_at": MINUTE_AGO}
    return changed(item, field, value)


def measurement(field: str = "value", value: Any = 12.5) -> dict[str, Any]:
    item = {"id": "bad-1", "service": SERVICE, "name": "visits", "kind": "count", "unit": "1", "value": 12.5}
    return changed({**item, "occurred_at": MINUTE_AGO}, field, value)


@pytest.mark.requirement("A3")
@pytest.mark.parametrize("what", FEEDBACK)
def test_feedback_that_breaks_a_rule_is_refused_with_field_and_reason(refused: Refused, what: str) -> None:
    field, value = FEEDBACK[what]

    refused("feedback", "POST", "/v1/feedback", 422, "invalid", field, json=feedback(field, value))


@pytest.mark.parametrize(
    ("segments", "field"),
    [
        ({"shoe-size": "44"}, "segments.shoe-size"),
        ({"age": CANARY}, "segments.age"),
        ({"age": 44}, "segments.age"),
        ({CANARY.upper(): "a"}, "segments.?"),
        ({f"s{number}": "a" for number in range(11)}, "segments"),
    ],
    ids=["unknown", "undeclared value", "a number", "no identifier", "eleven"],
)
def test_segments_that_the_service_does_not_declare_are_refused(
    refused: Refused, segments: dict[str, Any], field: str
) -> None:
    answer = refused("feedback", "POST", "/v1/feedback", 422, "invalid", json=feedback("segments", segments))
    named = answer.json()["errors"][0]["field"]
    assert named.startswith(field.removesuffix(".?"))

    refused("collector", "POST", "/v1/journeys", 422, "invalid", json={"events": [journey("segments", segments)]})


@pytest.mark.parametrize("what", JOURNEY)
def test_a_journey_event_that_breaks_a_rule_is_refused_with_field_and_reason(refused: Refused, what: str) -> None:
    field, value = JOURNEY[what]
    body = {"events": [journey(field, value)]}

    refused("collector", "POST", "/v1/journeys", 422, "invalid", f"events.0.{field}", json=body)


@pytest.mark.parametrize("what", MEASUREMENT)
def test_a_measurement_that_breaks_a_rule_is_refused_with_field_and_reason(refused: Refused, what: str) -> None:
    field, value = MEASUREMENT[what]
    body = {"measurements": [measurement(field, value)]}
    named = "period_to" if field == "period_from" else field

    answer = refused("collector", "POST", "/v1/measurements", 422, "invalid", json=body)
    assert answer.json()["errors"][0]["field"].startswith("measurements.0."), named


@pytest.mark.parametrize(
    ("service", "path", "name", "item"),
    [
        ("feedback", "/v1/feedback/batch", "items", feedback()),
        ("collector", "/v1/journeys", "events", journey()),
        ("collector", "/v1/measurements", "measurements", measurement()),
    ],
    ids=["feedback", "journeys", "measurements"],
)
@pytest.mark.parametrize(
    "what", ["none", "1,001", "an object", "a text", "null", "an unknown field", "an import's end"]
)
def test_a_batch_that_is_none_is_refused_as_a_whole(
    refused: Refused, service: str, path: str, name: str, item: dict[str, Any], what: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "none": {name: []},
        "1,001": {name: [item] * 1_001},
        "an object": {name: {"0": item}},
        "a text": {name: CANARY},
        "null": {name: None},
        "an unknown field": {name: [item], "more": CANARY},
        "an import's end": {name: [item], "observed_until": INSTANTS["tomorrow"]},
    }
    answer = refused(service, "POST", path, 422, "invalid", json=bodies[what])

    assert answer.json()["errors"]


def test_a_feedback_batch_of_bad_items_keeps_none_and_says_why_of_each(bodies: TwoBodies, stored: Stored) -> None:
    items: list[Any] = [feedback(*change) for change in FEEDBACK.values()] + [CANARY, None, 7, []]
    before = stored.take()
    answer = bodies.call("feedback", "POST", "/v1/feedback/batch", json={"items": items})
    told = answer.json()

    assert (answer.status_code, told["accepted"], told["rejected"]) == (202, 0, len(items))
    assert all(result["code"] == "invalid" and result["errors"] for result in told["results"])
    assert CANARY not in answer.text
    assert stored.take() == before


@pytest.mark.parametrize("strict", [True, False])
def test_one_bad_event_among_good_ones_is_told_by_its_place(
    bodies: TwoBodies, stored: Stored, refused: Refused, strict: bool
) -> None:
    events = [journey("id", "a-good-one"), journey("kind", CANARY)]
    if strict:
        path = "/v1/journeys?strict=true"
        refused("collector", "POST", path, 422, "invalid", "events.1.kind", json={"events": events})
        return
    before = stored.take()
    answer = bodies.call("collector", "POST", "/v1/journeys?dry_run=true", json={"events": events})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["results"][0]["index"]) == (200, 1, 1)
    assert stored.take() == before, "a dry run writes nothing"


ATTRIBUTES = {
    "specversion": "1.0",
    "id": "bad-1",
    "source": "urn:example:portal",
    "type": "civiloop.feedback.received.v1",
}
JOURNEY_STARTED = {**ATTRIBUTES, "type": "civiloop.journey.started.v1", "time": MINUTE_AGO}
BAD_ATTRIBUTES: dict[str, tuple[str, Any]] = {
    "no specversion": ("specversion", None),
    "specversion 0.3": ("specversion", "0.3"),
    "no id": ("id", None),
    "an empty id": ("id", ""),
    "an id of 201 characters": ("id", CANARY.ljust(201, "a")),
    "no source": ("source", None),
    "no type": ("type", None),
    "a type of somebody else": ("type", f"com.example.{CANARY}"),
    "data of another media type": ("datacontenttype", "application/xml"),
    "tomorrow": ("time", INSTANTS["tomorrow"]),
    "no time at all": ("time", f"{CANARY}"),
}
IN_JSON: dict[str, tuple[str, Any]] = {
    **BAD_ATTRIBUTES,
    "an id that is a number": ("id", 7),
    "a type that is a list": ("type", [CANARY]),
    "no data": ("data", None),
    "data that is a text": ("data", CANARY),
    "data that is a list": ("data", [CANARY]),
    "data with an id of its own": ("data", {**feedback(), "id": CANARY}),
    "data in broken base64": ("data_base64", f"{CANARY}!"),
    "data twice": ("data_base64", base64.b64encode(b"{}").decode()),
}


@pytest.mark.requirement("B13")
@pytest.mark.parametrize("what", IN_JSON)
@pytest.mark.parametrize("mode", ["structured", "batched"])
def test_a_cloud_event_in_json_that_is_none_is_refused(
    bodies: TwoBodies, stored: Stored, refused: Refused, mode: str, what: str
) -> None:
    headers = {"Content-Type": f"application/cloudevents{'' if mode == 'structured' else '-batch'}+json"}
    for service, path, attributes, data in (
        ("feedback", "/v1/feedback", ATTRIBUTES, feedback()),
        ("collector", "/v1/journeys", JOURNEY_STARTED, {"service": SERVICE, "journey_id": "bad"}),
    ):
        event = changed({**attributes, "data": data}, *IN_JSON[what])
        if mode == "structured":
            refused(service, "POST", path, 422, "invalid", json=event, headers=headers)
        elif service == "collector":
            refused(service, "POST", path, 422, "invalid", json=[event], headers=headers)
        else:
            before = stored.take()
            answer = bodies.call(service, "POST", f"{path}/batch", json=[event], headers=headers)
            assert answer.json()["results"][0]["errors"]
            assert CANARY not in answer.text
            assert stored.take() == before


@pytest.mark.parametrize(
    "what", [name for name in BAD_ATTRIBUTES if name not in {"no specversion", "data of another media type"}]
)
def test_a_cloud_event_in_headers_that_is_none_is_refused(refused: Refused, what: str) -> None:
    field, value = BAD_ATTRIBUTES[what]
    for service, path, attributes, data in (
        ("feedback", "/v1/feedback", ATTRIBUTES, feedback()),
        ("collector", "/v1/journeys", JOURNEY_STARTED, {"service": SERVICE, "journey_id": "bad"}),
    ):
        headers = {f"ce-{name}": text for name, text in changed(dict(attributes), field, value).items()}
        refused(service, "POST", path, 422, "invalid", json=data, headers=headers)


@pytest.mark.parametrize("encoded", ["%FF", "%ED%A0%80", "a%00b"], ids=["no UTF-8", "a surrogate", "NUL"])
def test_an_attribute_in_headers_that_is_no_text_is_refused(refused: Refused, encoded: str) -> None:
    for service, path, attributes, data in (
        ("feedback", "/v1/feedback", ATTRIBUTES, feedback()),
        ("collector", "/v1/journeys", JOURNEY_STARTED, {"service": SERVICE, "journey_id": "bad"}),
    ):
        headers = {f"ce-{name}": text for name, text in {**attributes, "id": encoded}.items()}
        refused(service, "POST", path, 422, "invalid", json=data, headers=headers)


def test_a_batch_of_events_that_is_no_list_is_refused(refused: Refused) -> None:
    headers = {"Content-Type": "application/cloudevents-batch+json"}

    refused("feedback", "POST", "/v1/feedback/batch", 422, "invalid", json=ATTRIBUTES, headers=headers)
    refused("collector", "POST", "/v1/journeys", 400, "malformed", json=ATTRIBUTES, headers=headers)


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "a b", "ä", f"{CANARY} {CANARY}"], ids=repr)
def test_an_idempotency_key_that_can_not_be_kept_is_refused(refused: Refused, key: str) -> None:
    headers = {"Idempotency-Key": key.strip().encode()}
    if key.strip():
        refused("feedback", "POST", "/v1/feedback", 422, "invalid", "Idempotency-Key", json=feedback(), headers=headers)


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/feedback/batch"])
def test_feedback_for_services_that_a_key_is_not_for_is_refused(bodies: TwoBodies, refused: Refused, path: str) -> None:
    if path.endswith("batch"):
        told = bodies.call("feedback", "POST", path, key="elsewhere", json={"items": [feedback()]}).json()
        assert told["results"][0]["code"] == "forbidden"
    else:
        refused("feedback", "POST", path, 403, "forbidden", "service", key="elsewhere", json=feedback())


def test_telemetry_for_services_that_a_key_is_not_for_is_refused(refused: Refused) -> None:
    body = {"events": [journey()]}
    refused("collector", "POST", "/v1/journeys", 422, "invalid", "events.0.service", key="elsewhere", json=body)
