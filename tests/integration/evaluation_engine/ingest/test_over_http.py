"""Dead letters, ledger and rebuild over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from civiloop_shared.contracts.topics import JOURNEYS
from tests.integration.evaluation_engine.ingest.test_worker import NOW, journeys
from tests.support.engine import Client, Engine
from tests.support.ingest import BODY, Sent, answer, define_services, journey_event
from tests.support.ingest_worker import Stream


@pytest.fixture
async def client(stream: Stream) -> AsyncIterator[Client]:
    """The API on the database of the stream."""
    engine = Engine(stream.infra, stream.ingest.database, stream.prefix)
    async with engine.running(body=BODY) as client:
        yield client


async def test_the_ledger_shows_every_record_and_balances(stream: Stream, client: Client) -> None:
    stream.start_worker()
    await stream.send(*journeys(5), *journeys(1), Sent(b"x", b"{"))
    await stream.send(answer("a", at=NOW, recorded=NOW), topic="feedback.received")
    await stream.counted(14)

    ledger = await client.get("/v1/ledger")

    sums = {
        name: sum(one[name] for one in ledger["partitions"])
        for name in ("span", "counted", "duplicate", "dead_lettered")
    }
    assert sums == {"span": 14, "counted": 11, "duplicate": 2, "dead_lettered": 1}
    assert (ledger["imbalance"], ledger["differences"]) == (0, {})
    assert ledger["facts"][JOURNEYS.name] == {"counted": 10, "dead_lettered": 1}
    assert ledger["feedback"] == [
        {"service": "permit", "day": f"{NOW:%Y-%m-%d}", "counted": 1, "quarantined": 0, "dead_lettered": 0, "erased": 0}
    ]


async def test_the_ledger_shows_what_does_not_fit(stream: Stream, client: Client) -> None:
    stream.start_worker()
    await stream.send(*journeys(5))
    await stream.counted(10)
    await stream.ingest.query("DELETE FROM evaluation.journey WHERE journey_id IN ('j0', 'j1')")

    ledger = await client.get("/v1/ledger")

    assert (ledger["imbalance"], ledger["differences"]) == (4, {JOURNEYS.name: {"counted": -4}})


async def test_dead_letters_are_listed_by_page_and_replayed_by_id(stream: Stream, client: Client) -> None:
    stream.start_worker()
    await stream.send(*(journey_event("started", f"j{n}", at=NOW, recorded=NOW, service="visa") for n in range(5)))
    await stream.counted(5)
    await define_services(stream.ingest.pool, {"visa": {}})

    first = await client.get("/v1/dead-letters?limit=3&topic=telemetry.journeys")
    rest = await client.get(f"/v1/dead-letters?limit=3&cursor={first['next']}")
    ids = [one["id"] for one in first["items"]]
    replayed = await client.call("POST", "/v1/dead-letters/replay", {"ids": ids})

    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [3, 2, None]
    assert {one["reason"] for one in first["items"] + rest["items"]} == {"unknown_service"}
    assert replayed.json() == {"replayed": 3}
    assert await stream.counted(8) == {"counted": 3, "dead_lettered": 5}
    listed = (await client.get("/v1/dead-letters"))["items"]
    assert sorted(one["id"] for one in listed if one["replayed_at"]) == sorted(ids)
    again = await client.call("POST", "/v1/dead-letters/replay", {"ids": None, "topic": JOURNEYS.name})
    assert again.json() == {"replayed": 2}


async def test_letters_of_another_body_are_not_shown(stream: Stream, client: Client) -> None:
    stream.start_worker()
    await stream.send(journey_event("started", at=NOW, recorded=NOW, body="village"))
    await stream.counted(1)

    assert (await client.get("/v1/dead-letters"))["items"] == []
    assert (await client.call("POST", "/v1/dead-letters/replay", {})).json() == {"replayed": 0}


async def test_a_rebuild_answers_how_many_cells_were_not_right(stream: Stream, client: Client) -> None:
    stream.start_worker()
    await stream.send(*journeys(5))
    await stream.counted(10)
    wanted = {"service": "permit", "from": "2020-01-01", "to": f"{NOW.year + 1}-01-01"}
    right = await client.call("POST", "/v1/rebuild", wanted)
    await stream.ingest.gather()
    await stream.ingest.query("UPDATE evaluation.aggregate SET data = '{}'")

    mended = await client.call("POST", "/v1/rebuild", wanted)
    await stream.send(*journeys(5, first=5))
    await stream.counted(20)

    assert right.json()["changed"] == 0
    assert mended.json()["changed"] > 0
    assert (await stream.ingest.total())["j.fulfilled"] == 10


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/rebuild", {"service": "visa", "from": "2026-01-01", "to": "2026-02-01"}, 404),
        ("/v1/rebuild", {"service": "permit", "from": "2026-02-01", "to": "2026-01-01"}, 422),
        ("/v1/rebuild", {"service": "permit", "from": "0001-01-01", "to": "2026-01-01"}, 422),
        ("/v1/dead-letters/replay", {"ids": []}, 422),
        ("/v1/dead-letters/replay", {"ids": [0]}, 422),
        ("/v1/dead-letters/replay", {"topic": "catalogue"}, 422),
    ],
)
async def test_what_can_not_be_done_is_refused(client: Client, path: str, body: object, status: int) -> None:
    assert (await client.call("POST", path, body)).status_code == status
