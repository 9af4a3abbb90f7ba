"""Without Kafka intake goes on; without PostgreSQL it says so at once; both come back by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest

from feedback_api.bootstrap import build_app
from tests.integration.feedback_api.conftest import NOWHERE, World, make_item, running, until_ok
from tests.integration.feedback_api.proxy import Proxy

pytestmark = pytest.mark.requirement("B7")


@pytest.fixture
async def proxy(world: World) -> AsyncIterator[Proxy]:
    made = Proxy(world.feedback_url)
    await made.start()
    yield made
    await made.stop()


async def test_with_kafka_down_it_starts_from_its_snapshot_and_takes_feedback_in(world: World) -> None:
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
        await api.submit(id="f0")
        await world.all_relayed()
    async with running(build_app(world.settings(KAFKA_BOOTSTRAP_SERVERS=NOWHERE)), world.keys) as api:
        answers = await asyncio.gather(*(api.submit(id=f"f{number}") for number in range(1, 51)))
        assert {answer.status_code for answer in answers} == {202}
        assert (await api.client.get("/readyz")).status_code == 200
        [day] = await api.ledger()
        assert (day["stored"], day["waiting"]) == (51, 50)
    async with running(build_app(world.settings()), world.keys) as api:
        await world.all_relayed()
        [day] = await api.ledger()
        assert (day["stored"], day["waiting"]) == (51, 0)
    assert sorted(event.id for event in await world.published()) == sorted(f"f{number}" for number in range(51))


async def test_without_snapshot_and_kafka_it_is_not_ready_and_says_what_is_missing(world: World) -> None:
    async with running(build_app(world.settings(KAFKA_BOOTSTRAP_SERVERS=NOWHERE)), world.keys) as api:
        ready = await api.client.get("/readyz")
        assert (ready.status_code, list(ready.json()["missing"])) == (503, ["catalogue"])
        answer = await api.submit()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("how", ["cut", "freeze"])
async def test_with_postgresql_gone_it_answers_503_within_two_seconds_and_comes_back(
    how: str, world: World, proxy: Proxy
) -> None:
    async with running(build_app(world.settings(DATABASE_URL=proxy.url)), world.keys) as api:
        await api.ready()
        assert (await api.submit(id="f0")).status_code == 202
        if how == "cut":
            await proxy.cut()
        else:
            proxy.freeze()
        once = {"Idempotency-Key": "k1"}
        for _ in range(2):
            started = time.monotonic()
            answers = await asyncio.gather(
                *(api.submit(id=f"f{number}") for number in range(1, 11)), api.submit(id="once", headers=once)
            )
            assert time.monotonic() - started < 2.5
            assert {answer.status_code for answer in answers} == {503}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        await api.ready(missing=["postgresql"])
        if how == "cut":
            await proxy.start()
        else:
            proxy.thaw()
        for number in range(11):
            answer = await until_ok(partial(api.submit, id=f"f{number}"))
            assert answer.status_code == 202
        answer = await until_ok(lambda: api.submit(id="once", headers=once))
        assert answer.status_code == 202
        await world.all_relayed()
        await api.ready()
    assert sorted({event.id for event in await world.published()}) == sorted(
        ["once", *(f"f{number}" for number in range(11))]
    )
    assert (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0] == 12


async def test_it_starts_without_postgresql_and_takes_feedback_once_it_is_there(world: World, proxy: Proxy) -> None:
    await proxy.cut()
    async with running(build_app(world.settings(DATABASE_URL=proxy.url)), world.keys) as api:
        assert (await api.submit(id="f1")).status_code == 503
        await proxy.start()
        assert (await until_ok(lambda: api.submit(id="f1"))).status_code == 202


async def test_two_replicas_store_and_relay_everything_once(world: World) -> None:
    async with (
        running(build_app(world.settings()), world.keys) as one,
        running(build_app(world.settings()), world.keys) as other,
    ):
        await one.ready()
        await other.ready()
        items = [make_item(id=f"f{number}") for number in range(100)]
        answers = await asyncio.gather(
            *(api.post("/v1/feedback", item) for item in items for api in (one, other)),
            *(api.batch(items[::-1]) for api in (one, other)),
        )
        assert {answer.status_code for answer in answers} == {202}
        told = [answer.json() for answer in answers]
        fresh = sum(answer.get("status") == "accepted" or answer.get("accepted", 0) for answer in told)
        assert fresh == 100
        once = {"Idempotency-Key": "k1"}
        answers = await asyncio.gather(*(api.submit(headers=once) for api in (one, other)))
        assert answers[0].content == answers[1].content
        await world.all_relayed()
    assert len(await world.published()) == 101


async def test_stopping_commits_what_was_under_way(world: World) -> None:
    async with running(build_app(world.settings()), world.keys) as api:
        await api.ready()
        tasks = [asyncio.create_task(api.submit(id=f"f{number}")) for number in range(30)]
        await asyncio.sleep(0.02)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    acknowledged = sum(getattr(answer, "status_code", 0) == 202 for answer in answers)
    assert acknowledged <= (await world.query("SELECT count(*) FROM feedback.feedback"))[0][0]
