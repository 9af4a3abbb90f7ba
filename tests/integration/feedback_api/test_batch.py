"""Batches and CloudEvents: the good ones are taken, the others are named."""

from __future__ import annotations

import json

import pytest

from feedback_api.api.cloudevents import TYPE
from tests.integration.feedback_api.conftest import Api, World, make_item


async def test_the_good_items_of_a_batch_are_taken_and_the_others_named(api: Api, world: World) -> None:
    await api.submit(id="before", rating=4)
    answer = await api.batch(
        [
            make_item(id="a"),
            make_item(id="b", rating=9),
            make_item(id="a"),
            make_item(id="a", rating=1),
            make_item(id="before"),
            make_item(id="before", rating=2),
            make_item(service="nowhere"),
            "no item",
            make_item(id="c", comment="call 2101234567"),
        ]
    )
    assert answer.status_code == 202
    document = answer.json()
    assert (document["accepted"], document["duplicate"], document["rejected"]) == (2, 2, 5)
    told = [(result["status"], result.get("code")) for result in document["results"]]
    assert told == [
        ("accepted", None),
        ("rejected", "invalid"),
        ("duplicate", None),
        ("rejected", "id-reused"),
        ("duplicate", None),
        ("rejected", "id-reused"),
        ("rejected", "invalid"),
        ("rejected", "invalid"),
        ("accepted", None),
    ]
    assert document["results"][1]["errors"][0]["field"] == "rating"
    assert [result["index"] for result in document["results"]] == list(range(9))
    await world.all_relayed()
    assert sorted(event.id for event in await world.published()) == ["a", "before", "c"]


async def test_a_strict_batch_with_a_faulty_item_stores_nothing(api: Api, world: World) -> None:
    answer = await api.batch([make_item(), make_item(rating=9)], query="?strict=1")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "items.1.rating"
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 0


async def test_a_thousand_are_taken_at_once_and_one_more_is_not(api: Api, world: World) -> None:
    items = [make_item(id=f"f{number}") for number in range(1000)]
    assert (await api.batch(items)).json()["accepted"] == 1000
    assert (await api.batch(items)).json()["duplicate"] == 1000
    assert (await api.batch([*items, make_item()])).status_code == 422
    assert (await api.batch([])).status_code == 422
    await world.all_relayed()
    assert len(await world.published()) == 1000


async def test_an_import_may_be_old_and_says_until_when_it_was_observed(api: Api) -> None:
    old = make_item(id="old", occurred_at="2011-05-01T10:00:00+02:00")
    assert (await api.batch([old])).json()["results"][0]["errors"][0]["field"] == "occurred_at"
    taken = await api.batch([old], observed_until="2012-01-23T00:00:00+01:00")
    assert taken.json()["accepted"] == 1
    after = make_item(occurred_at="2013-01-01T00:00:00Z")
    assert (await api.batch([after], observed_until="2012-01-23T00:00:00+01:00")).json()["rejected"] == 1
    assert (await api.batch([old], observed_until="2999-01-01T00:00:00Z")).status_code == 422


async def test_a_batch_under_an_idempotency_key_is_answered_the_same_again(api: Api, world: World) -> None:
    once = {"Idempotency-Key": "b1"}
    items = [make_item(), make_item(rating=9)]
    first, again = await api.batch(items, headers=once), await api.batch(items, headers=once)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 1
    assert (await api.batch([make_item()], headers=once)).status_code == 409
    single = await api.submit(headers=once)
    assert (single.status_code, single.json()["code"]) == (409, "idempotency-key-reused")


@pytest.mark.requirement("B13")
async def test_cloudevents_are_taken_in_binary_structured_and_batched_mode(api: Api, world: World) -> None:
    data = make_item()
    event = {"specversion": "1.0", "id": "e2", "source": "urn:forms", "type": TYPE, "data": data}
    binary = await api.post(
        "/v1/feedback",
        data,
        headers={"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "urn:forms", "ce-type": TYPE},
    )
    media_type = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    structured = await api.post("/v1/feedback", content=json.dumps(event), headers=media_type)
    batched = await api.post(
        "/v1/feedback/batch",
        content=json.dumps([{**event, "id": "e3"}, {**event, "type": "other"}, event]),
        headers={"Content-Type": "application/cloudevents-batch+json"},
    )
    assert (binary.json()["status"], structured.json()["status"]) == ("accepted", "accepted")
    assert [result["status"] for result in batched.json()["results"]] == ["accepted", "rejected", "duplicate"]
    await world.all_relayed()
    assert sorted((event.id, event.source) for event in await world.published()) == [
        ("e1", "urn:forms"),
        ("e2", "urn:forms"),
        ("e3", "urn:forms"),
    ]


async def test_what_is_no_cloudevent_is_422(api: Api) -> None:
    for change in ({"specversion": "2.0"}, {"source": ""}, {"id": 7}, {"data": None}, {"type": "x"}):
        event = {"specversion": "1.0", "id": "e", "source": "urn:s", "type": TYPE, "data": make_item(), **change}
        answer = await api.post(
            "/v1/feedback", content=json.dumps(event), headers={"Content-Type": "application/cloudevents+json"}
        )
        assert answer.status_code == 422


async def test_another_media_type_is_415(api: Api) -> None:
    answer = await api.post("/v1/feedback", content=b"rating=4", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
