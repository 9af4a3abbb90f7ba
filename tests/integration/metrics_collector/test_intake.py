"""Telemetry in over HTTP, on real Kafka."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from civiloop_shared.contracts.identity import payload_hash

from .conftest import Collector, event, now


def errors_of(answer: Any) -> list[tuple[int, str]]:
    return [(result["index"], error["field"]) for result in answer.json()["results"] for error in result["errors"]]


@pytest.mark.requirement("U3")
def test_accepted_events_are_on_the_topic_when_the_answer_comes(collector: Collector) -> None:
    first, second = event(journey_id="j-1"), event(journey_id="j-1", kind="fulfilled")
    answer = collector.post_events(first, second)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "rejected": 0, "results": []}
    found = {envelope.id: envelope for envelope in collector.written()}
    assert found[first["id"]].bodyid == "city"
    assert found[first["id"]].source.startswith("urn:civiloop:key:")
    assert found[second["id"]].type == "civiloop.journey.fulfilled.v1"


def test_the_trace_of_a_request_goes_with_its_events(collector: Collector) -> None:
    sent = event()
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    collector.post(json={"events": [sent]}, headers=headers)
    [written] = [envelope for envelope in collector.written() if envelope.id == sent["id"]]
    assert (written.traceparent or "").split("-")[1] == trace_id


def test_a_retry_writes_the_same_payload(collector: Collector) -> None:
    sent = event(segments={"age": "18-25"})
    assert collector.post_events(sent).status_code == collector.post_events(sent).status_code == 202
    written = [envelope for envelope in collector.written() if envelope.id == sent["id"]]
    assert len(written) == 2
    assert len({payload_hash(envelope.type, envelope.data) for envelope in written}) == 1


def test_rejected_items_are_named_and_the_good_ones_are_in(collector: Collector) -> None:
    good = [event() for _ in range(3)]
    bad = [
        event(service="nowhere"),
        event(service="school"),
        event(occurred_at=now(minutes=6)),
        event(occurred_at=now(days=-15)),
        event(kind="teleported"),
        event(channel="fax"),
        event(surprise=1),
        {"service": "permit"},
        "not an event",
        None,
    ]
    answer = collector.post_events(good[0], *bad, *good[1:])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 3
    assert errors_of(answer)[:7] == [
        (1, "service"),
        (2, "service"),
        (3, "occurred_at"),
        (4, "occurred_at"),
        (5, "kind"),
        (6, "channel"),
        (7, "surprise"),
    ]
    assert {index for index, _ in errors_of(answer)} == set(range(1, 11))
    assert {sent["id"] for sent in good} <= set(collector.ids())
    assert not {sent["id"] for sent in bad if isinstance(sent, dict) and "id" in sent} & set(collector.ids())


def test_a_fault_is_told_in_words_and_never_repeats_what_was_sent(collector: Collector) -> None:
    answer = collector.post_events(event(), event(occurred_at="yesterday-at-noon", step="x|secret-of-a-citizen"))
    reasons = {error["field"]: error["reason"] for error in answer.json()["results"][0]["errors"]}
    assert reasons["occurred_at"] == "must be a time with its offset, such as 2026-11-24T09:15:00+02:00"
    assert "secret" not in answer.text
    assert "yesterday" not in answer.text


def test_strict_refuses_the_whole_batch(collector: Collector) -> None:
    good = event()
    answer = collector.post_events(good, event(service="nowhere"), query="?strict=1")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"field": "events.1.service", "reason": "is not a service of your body"}]
    assert errors_of(answer) == [(1, "service")]
    assert good["id"] not in collector.ids()


def test_a_batch_without_a_good_item_is_422(collector: Collector) -> None:
    assert collector.post_events(event(service="nowhere")).status_code == 422


def test_a_dry_run_writes_nothing(collector: Collector) -> None:
    sent = event()
    answer = collector.post_events(sent, event(service="nowhere"), query="?dry_run=1")
    assert answer.status_code == 200
    assert answer.json()["dry_run"] is True
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1)
    assert sent["id"] not in collector.ids()


def test_an_import_takes_old_events_up_to_what_it_observed(collector: Collector) -> None:
    old, after = event(occurred_at="2011-10-11T13:42:22.688+02:00"), event(occurred_at="2012-02-01T00:00:00Z")
    answer = collector.post_events(old, after, observed_until="2012-01-23T15:42:54.644+01:00")
    assert errors_of(answer) == [(1, "occurred_at")]
    [written] = [envelope for envelope in collector.written() if envelope.id == old["id"]]
    assert written.time == "2011-10-11T11:42:22.688000Z"
    assert written.data["observed_until"] == "2012-01-23T14:42:54.644000Z"


@pytest.mark.parametrize("until", ["tomorrow", 1, "2999-01-01T00:00:00Z", "2012-01-23T15:42:54"])
def test_an_observation_ends_at_a_time_that_can_stand_for_now(collector: Collector, until: Any) -> None:
    answer = collector.post_events(event(), observed_until=until)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "observed_until"


def test_a_key_sends_only_for_its_body_and_services(collector: Collector) -> None:
    assert collector.post(key="county", json={"events": [event()]}).status_code == 422
    assert (
        collector.post(key="county", json={"events": [event(service="school", channel="counter")]}).status_code == 202
    )
    limited = collector.post(key="parking-only", json={"events": [event(), event(service="parking")]})
    assert errors_of(limited) == [(0, "service")]


@pytest.mark.parametrize(("key", "status"), [("reader", 403), ("revoked", 401)])
def test_a_key_needs_the_right_to_write_telemetry(collector: Collector, key: str, status: int) -> None:
    assert collector.post(key=key, json={"events": [event()]}).status_code == status


def test_a_thousand_events_are_taken_and_not_one_more(collector: Collector) -> None:
    many = [event() for _ in range(1_001)]
    assert collector.post_events(*many[:1000]).json()["accepted"] == 1_000
    answer = collector.post_events(*many)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "events", "reason": "has more than 1000 items"}]
    assert {sent["id"] for sent in many[:1000]} <= set(collector.ids())


def test_measurements_are_taken(collector: Collector) -> None:
    sent = {
        "id": secrets.token_hex(8),
        "service": "permit",
        "name": "operating-cost",
        "kind": "cost",
        "unit": "EUR",
        "value": 12480.50,
        "period_from": now(days=-9),
        "period_to": now(days=-2),
    }
    bad = {**sent, "id": "bad", "value": 0.1234}
    answer = collector.post("/v1/measurements", json={"measurements": [sent, bad]})
    assert answer.status_code == 202
    assert errors_of(answer) == [(1, "value")]
    [written] = [found for found in collector.written("telemetry.measurements") if found.id == sent["id"]]
    assert written.data["value"] == "12480.5"


def cloud_event(event_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:portal",
        "type": "civiloop.journey.started.v1",
        "time": now(seconds=-1),
        "data": {"service": "permit", "journey_id": "ce-journey", "channel": "web"},
        **fields,
    }


def test_cloudevents_are_taken_batched_structured_and_binary(collector: Collector) -> None:
    ids = [secrets.token_hex(8) for _ in range(4)]
    batched = collector.post(
        json=[cloud_event(ids[0]), cloud_event(ids[1]), cloud_event("x", type="com.example.other")],
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    structured = collector.post(
        json=cloud_event(ids[2]), headers={"content-type": "application/cloudevents+json; charset=utf-8"}
    )
    attributes = cloud_event(ids[3])
    data = attributes.pop("data")
    binary = collector.post(json=data, headers={f"ce-{name}": value for name, value in attributes.items()})
    assert (batched.status_code, structured.status_code, binary.status_code) == (202, 202, 202)
    assert errors_of(batched) == [(2, "type")]
    written = {envelope.id: envelope for envelope in collector.written()}
    assert {written[event_id].source for event_id in ids} == {"urn:portal"}
    assert {written[event_id].data["kind"] for event_id in ids} == {"started"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b'{"events": [NaN]}', 400),
        (b'{"events": [{"id": "a\\u0000"}]}', 400),
        (b'{"events": [{"id": "\\ud800"}]}', 400),
        (b'{"events": [], "events": []}', 400),
        (b"[" * 100 + b"]" * 100, 400),
        (b"[]", 422),
        (b'{"events": []}', 422),
        (b'{"events": {}}', 422),
        (b'{"event": [{}]}', 422),
        (b'{"events": [{}]}', 422),
        (b"null", 422),
        (b" " * (5 * 1024 * 1024), 413),
    ],
)
def test_bad_bodies_are_refused_and_never_break_anything(collector: Collector, body: bytes, status: int) -> None:
    answer = collector.post(content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_no_json_by_its_own_words_is_415(collector: Collector) -> None:
    assert collector.post(content=b"<a/>", headers={"content-type": "text/xml"}).status_code == 415


@pytest.mark.requirement("U4")
def test_metrics_count_what_became_of_events(collector: Collector) -> None:
    name, labels = "civiloop_ingest_events_total", {"kind": "journeys"}
    before = {outcome: collector.metric(name, **labels, outcome=outcome) for outcome in ("accepted", "rejected")}
    collector.post_events(event(), event(), event(service="nowhere"))
    assert collector.metric(name, **labels, outcome="accepted") == before["accepted"] + 2
    assert collector.metric(name, **labels, outcome="rejected") == before["rejected"] + 1
    assert 0 <= collector.metric("civiloop_catalogue_age_seconds") < 5
