"""Receipts: see what is held, take it back, and it stays back."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackReceived
from civiloop_shared.observability import configure_logging
from feedback_api.bootstrap import build_app
from tests.integration.feedback_api.conftest import NOWHERE, Api, World, make_item, running

pytestmark = pytest.mark.requirement("B12")

SECRETS = ("kanarienvogel comment", "canary-contact@example.org")
"""What must be found nowhere but where it belongs."""


async def test_a_receipt_shows_what_is_held_contact_included(api: Api) -> None:
    receipt = (await api.submit(id="f1", comment=SECRETS[0], contact=SECRETS[1])).json()["receipt"]
    held = (await api.client.get(f"/v1/receipts/{receipt.upper()}")).json()
    assert held["status"] == "held"
    assert (held["service"], held["channel"]) == ("building-permit", "web")
    assert held["answers"] == {"rating": 4, "comment": SECRETS[0]}
    assert held["contact"] == SECRETS[1]
    assert held["received_at"].endswith("Z")


async def test_an_unknown_receipt_is_404(api: Api) -> None:
    for receipt in ("a" * 32, "x", "%00", "a" * 64):
        assert (await api.client.get(f"/v1/receipts/{receipt}")).status_code == 404
        assert (await api.client.delete(f"/v1/receipts/{receipt}")).status_code == 404


async def test_an_erasure_scrubs_the_row_and_tells_the_others(api: Api, world: World) -> None:
    receipt = (await api.submit(id="f1", comment=SECRETS[0], contact=SECRETS[1])).json()["receipt"]
    await world.all_relayed()
    first = await api.client.delete(f"/v1/receipts/{receipt}")
    again = await api.client.delete(f"/v1/receipts/{receipt}")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["erased_at"] == again.json()["erased_at"]
    assert "civiloop_feedback_erased_total 1.0" in (await api.client.get("/metrics")).text
    shown = (await api.client.get(f"/v1/receipts/{receipt}")).json()
    assert (shown["status"], "answers" in shown, "contact" in shown) == ("erased", False, False)
    [row] = await world.query("SELECT * FROM feedback.feedback")
    assert [row[name] for name in ("data", "contact", "content_hash", "channel", "occurred_at")] == [None] * 5
    await world.all_relayed()
    given, tombstone = await world.published()
    assert (given.type, tombstone.type) == (FeedbackReceived.TYPE, FeedbackErased.TYPE)
    erased = FeedbackErased.model_validate(tombstone.data)
    assert erased.feedback_id == given.data["feedback_id"]
    assert erased.service == "building-permit"


async def test_a_retry_does_not_revive_what_was_erased(api: Api, world: World) -> None:
    receipt = (await api.submit(id="f1")).json()["receipt"]
    await api.client.delete(f"/v1/receipts/{receipt}")
    answer = await api.submit(id="f1")
    assert (answer.status_code, answer.json()["code"]) == (409, "erased")
    [result] = (await api.batch([make_item(id="f1", rating=1)])).json()["results"]
    assert (result["status"], result["code"]) == ("rejected", "erased")
    assert (await world.query("SELECT count(*) FROM feedback.feedback WHERE erased_at IS NULL"))[0][0] == 0


async def test_what_is_erased_before_it_left_never_leaves(world: World) -> None:
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
    async with running(build_app(world.settings(KAFKA_BOOTSTRAP_SERVERS=NOWHERE)), world.keys) as api:
        receipt = (await api.submit(id="f1", comment=SECRETS[0])).json()["receipt"]
        await api.client.delete(f"/v1/receipts/{receipt}")
        [day] = await api.ledger()
        assert (day["stored"], day["waiting"], day["erased"]) == (1, 1, 1)
    async with running(build_app(world.settings()), world.keys):
        await world.all_relayed()
    given, tombstone = await world.published()
    assert (given.type, tombstone.type) == (FeedbackReceived.TYPE, FeedbackErased.TYPE)
    assert "comment" not in given.data
    assert "rating" not in given.data


async def test_the_ledger_counts_stored_waiting_and_erased_by_service_and_day(api: Api, world: World) -> None:
    receipts = [(await api.submit(id=f"f{number}")).json()["receipt"] for number in range(3)]
    await api.submit(service="dog-licence")
    await api.client.delete(f"/v1/receipts/{receipts[0]}")
    await world.all_relayed()
    days = await api.ledger()
    told = [(day["service"], day["stored"], day["waiting"], day["quarantined"], day["erased"]) for day in days]
    assert told == [("building-permit", 3, 0, 0, 1), ("dog-licence", 1, 0, 0, 0)]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, down to debug."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("feedback-api", level="debug", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_a_canary_is_found_nowhere_but_in_its_row(log: io.StringIO, world: World) -> None:
    canary = "kanarienvogel"
    item = make_item(id="f1", comment=f"{canary} c@nary.example", contact=f"{canary}@nary.example")
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
        once = {"Idempotency-Key": "k1"}
        await api.post("/v1/feedback", item, headers=once)
        answers = [
            await api.post("/v1/feedback", {**item, "rating": 99}),
            await api.post("/v1/feedback", {**item, "rating": 1}),
            await api.post("/v1/feedback", {**item, "channel": canary, "service": canary}),
            await api.post("/v1/feedback", {**item, "unknown": canary}),
            await api.batch([{**item, "id": "f2", "rating": 99}, canary]),
            await api.client.get(f"/v1/receipts/{canary}"),
            await api.client.get("/metrics"),
        ]
        await world.all_relayed()
        raw = b"".join(await world.published_bytes()).decode()
        dump = await world.query(
            "SELECT i::text FROM feedback.idempotency i UNION ALL SELECT c::text FROM feedback.catalogue_snapshot c"
            " UNION ALL SELECT encode(contact, 'escape') FROM feedback.feedback"
        )
    assert canary in raw, "the comment itself leaves, without addresses"
    assert "c@nary.example" not in raw
    assert not [answer.text for answer in answers if canary in answer.text]
    assert not [row for row in dump if canary in row[0]]
    assert canary not in log.getvalue()
    assert "nary.example" not in log.getvalue()
