"""Giving feedback: durable, once, whatever is sent again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.feedback import FeedbackReceived
from civiloop_shared.kafka.producer import DurableProducer
from tests.integration.feedback_api.conftest import Api, World, make_item


@pytest.mark.requirement("U3")
async def test_feedback_is_stored_with_its_receipt_and_reaches_kafka_masked(api: Api, world: World) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await api.submit(
        id="f1", comment="call 2101234567", contact="me@x.gr", step="upload", headers={"traceparent": parent}
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    [row] = await world.query("SELECT *, data->>'comment' AS comment FROM feedback.feedback")
    assert (row["body"], row["service"], row["comment"]) == ("city", "building-permit", "call 2101234567")
    assert b"me@x.gr" not in row["contact"]
    await world.all_relayed()
    [event] = await world.published()
    payload = FeedbackReceived.model_validate(event.data)
    assert payload.feedback_id == row["key"].hex()
    assert (payload.rating, payload.comment, payload.step) == (4, "call [phone]", "upload")
    assert (event.id, event.bodyid) == ("f1", "city")
    assert event.source.startswith("urn:civiloop:key:")
    assert event.recordedtime == row["received_at"].isoformat().replace("+00:00", "Z")
    assert event.traceparent is not None
    assert event.traceparent.split("-")[1] == parent.split("-")[1]


async def test_the_same_id_with_the_same_content_gives_the_same_receipt(api: Api, world: World) -> None:
    first, again = await api.submit(id="f1", comment="x"), await api.submit(id="f1", comment="x")
    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json()["status"], again.json()["status"]) == ("accepted", "duplicate")
    assert first.json()["receipt"] == again.json()["receipt"]
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 1


async def test_the_same_id_with_other_content_is_409_and_changes_nothing(api: Api, world: World) -> None:
    await api.submit(id="f1", rating=4)
    answer = await api.submit(id="f1", rating=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "id-reused")
    assert (await world.query("SELECT data->>'rating' FROM feedback.feedback"))[0][0] == "4"


async def test_the_same_id_of_another_source_or_key_is_another_feedback(api: Api) -> None:
    answers = [
        await api.submit(id="f1"),
        await api.submit(id="f1", source="urn:other"),
        await api.submit(id="f1", key="writer2"),
    ]
    assert [answer.json()["status"] for answer in answers] == ["accepted"] * 3
    assert len({answer.json()["receipt"] for answer in answers}) == 3


@pytest.mark.requirement("B7")
async def test_of_many_at_once_with_one_id_exactly_one_is_new(api: Api, world: World) -> None:
    answers = await asyncio.gather(*(api.submit(id="f1", comment="x") for _ in range(40)))
    assert sorted(answer.json()["status"] for answer in answers) == ["accepted"] + ["duplicate"] * 39
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    await world.all_relayed()
    assert len(await world.published()) == 1


async def test_many_at_once_are_each_stored_and_sent_once(api: Api, world: World) -> None:
    answers = await asyncio.gather(*(api.submit(id=f"f{number}") for number in range(200)))
    assert {answer.json()["status"] for answer in answers} == {"accepted"}
    await world.all_relayed()
    assert sorted(event.id for event in await world.published()) == sorted(f"f{number}" for number in range(200))


async def test_an_idempotency_key_gives_the_same_answer_again(api: Api, world: World) -> None:
    once = {"Idempotency-Key": "k1"}
    first, again = await api.submit(headers=once), await api.submit(headers=once)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 1
    other = await api.submit(headers=once, rating=1)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    assert (await api.submit(headers=once, key="writer2")).json()["status"] == "accepted"


async def test_of_many_at_once_with_one_idempotency_key_one_is_stored(api: Api, world: World) -> None:
    once = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(api.submit(headers=once) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"in-flight"}
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 1


async def test_a_refusal_is_not_remembered_under_an_idempotency_key(api: Api, world: World) -> None:
    once = {"Idempotency-Key": "k1"}
    await api.submit(id="f1", rating=4)
    assert (await api.submit(id="f1", rating=1, headers=once)).status_code == 409
    assert (await api.submit(rating=9, headers=once)).status_code == 422
    assert (await world.query("SELECT count(*) FROM feedback.idempotency"))[0][0] == 0
    assert (await api.submit(id="f2", headers=once)).json()["status"] == "accepted"


REFUSED_ITEMS: list[tuple[dict[str, Any], str]] = [
    ({"service": "nowhere"}, "service"),
    ({"channel": "kiosk"}, "channel"),
    ({"segments": {"age": "99"}}, "segments.age"),
    ({"rating": None}, "rating"),
    ({"rating": 6}, "rating"),
    ({"occurred_at": "2020-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": (datetime.now(UTC) + timedelta(minutes=30)).isoformat()}, "occurred_at"),
]


async def test_what_can_not_be_taken_is_422_and_names_the_field(api: Api) -> None:
    for item, field in REFUSED_ITEMS:
        answer = await api.submit(**item)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_key_is_good_for_its_own_services_and_scopes(api: Api) -> None:
    refused = {"stranger": 422, "limited": 403, "reader": 403}
    assert {key: (await api.submit(key=key)).status_code for key in refused} == refused
    assert (await api.submit(key="limited", service="dog-licence")).status_code == 202


UNREADABLE = [
    (b"{", 400),
    (b'{"service":"building-permit","channel":"web","rating":NaN}', 400),
    (b'{"service":"building-permit","channel":"web","rating":4,"comment":"\\ud800"}', 400),
    (b'{"service":"building-permit","channel":"web","rating":4,"comment":"a\\u0000"}', 400),
    (b'{"service":"building-permit","channel":"web","rating":4,"rating":5}', 400),
    (b"[]", 422),
    (b"null", 422),
    (b" " * 200_000, 413),
]


async def test_what_can_not_be_read_is_refused_with_a_problem_document(api: Api) -> None:
    for body, status in UNREADABLE:
        answer = await api.post("/v1/feedback", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_ops_see_what_was_taken_refused_and_sent_again(api: Api) -> None:
    await api.submit(id="f1")
    await api.submit(id="f1")
    await api.submit(rating=9)
    await api.submit(service="nowhere")
    metrics = (await api.client.get("/metrics")).text
    assert 'civiloop_feedback_accepted_total{service="building-permit"} 1.0' in metrics
    assert 'civiloop_feedback_duplicate_total{service="building-permit"} 1.0' in metrics
    assert 'civiloop_feedback_rejected_total{reason="invalid"} 2.0' in metrics
    for name in ("outbox_depth", "outbox_age_seconds", "commit_group_size_count", "commit_seconds_count"):
        assert f"civiloop_feedback_{name}" in metrics
    assert "civiloop_catalogue_age_seconds" in metrics


async def test_a_revoked_key_is_refused_within_two_seconds(api: Api, world: World) -> None:
    assert (await api.submit(key="writer2")).status_code == 202
    key_id = world.keys["writer2"].split("_")[1]
    producer = DurableProducer(world.infra.bootstrap_servers)
    await producer.start(wait_s=10.0)
    await producer.send(f"{world.prefix}catalogue", f"key/{key_id}".encode(), None)
    await producer.stop()
    async with asyncio.timeout(2.0):
        while (await api.post("/v1/feedback", make_item(), key="writer2")).status_code != 401:
            await asyncio.sleep(0.05)


@pytest.mark.requirement("A1")
async def test_a_question_that_the_service_does_not_ask_is_a_fault_of_its_field(api: Api, world: World) -> None:
    answer = await api.submit(id="f1", answers={"mood": 3})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "answers.mood", "reason": "is not a question that this service declares"}
    ]
    assert await world.query("SELECT FROM feedback.feedback") == []
