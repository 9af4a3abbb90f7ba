"""Changes are gathered and months are made, and nobody can tell by what is read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from civiloop_shared.errors import UnavailableError
from evaluation_engine.adapters.gathering import PostgresGather, PostgresGatherStore, held_by_rebuild
from evaluation_engine.adapters.measures import PostgresMeasureReader
from evaluation_engine.adapters.rebuild_store import PostgresRebuildStore
from evaluation_engine.domain.buckets import Grain
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.ports.gathering import Changed, Much
from evaluation_engine.ports.measures import Span
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.gathering import GatherChanges, MakeMonths
from tests.integration.evaluation_engine.ingest.test_minutes import watch
from tests.integration.evaluation_engine.ingest.test_rebuild import fill, rebuild, traffic
from tests.support.ingest import NOW, SERVICES, Ingest, Sent, answer, erasure, journey_event, numbered

DAY = timedelta(days=1)
_CUTS = frozenset({"", "channel=web", "channel=phone", "language=en", "channel=web|segment.age=65+", "assisted=yes"})
_GRAINS: tuple[Grain, ...] = ("month", "day", "quarter", "minute")


async def make_months(ingest: Ingest) -> None:
    await MakeMonths(PostgresGatherStore(ingest.pool), ingest.now_ms).run()


async def readings(ingest: Ingest, service: str) -> Readings:
    spans = [Span(grain, 0, 2**42, _CUTS) for grain in _GRAINS]
    return Readings.of(spans, await PostgresMeasureReader(ingest.pool).read(service, spans))


async def everything(ingest: Ingest) -> dict[str, Any]:
    found = {service: await readings(ingest, service) for service in SERVICES}
    return {service: (one.buckets, one.digest()) for service, one in found.items()}


async def number(ingest: Ingest, table: str) -> int:
    (row,) = await ingest.query(f"SELECT count(*) FROM evaluation.{table}")
    return int(row[0])


async def feed(ingest: Ingest, sent: list[tuple[str, int, Sent]]) -> None:
    for topic, partition, one in sent:
        await ingest.feed(topic, one, partition=partition)


@pytest.mark.requirement("P2")
async def test_what_is_read_is_the_same_before_and_after(ingest: Ingest) -> None:
    await watch(ingest)
    await feed(ingest, traffic(4))
    await ingest.journeys(*(journey_event("started", f"today{n}", at=NOW - n * timedelta(minutes=9)) for n in range(9)))
    before, waiting = await everything(ingest), await number(ingest, "change")
    assert before["permit"][0]["minute", ""], "one of the two is watched by the minute"

    assert await ingest.gather() == waiting > 100
    assert await number(ingest, "change") == 0
    assert await everything(ingest) == before

    await make_months(ingest)
    assert await everything(ingest) == before
    months = {
        row[0] for row in await ingest.query("SELECT bucket_start FROM evaluation.aggregate WHERE grain = 'month'")
    }
    assert len(months) >= 5
    assert max(months) < NOW - 30 * DAY, "the month that goes on is read by its days"
    assert await ingest.gather() == 0


@pytest.mark.requirement("P2")
@pytest.mark.parametrize("seed", [3, 5])
async def test_it_does_not_matter_when(ingest: Ingest, seed: int) -> None:
    """Late events and corrections come between, for months that were made as well."""
    sent = traffic(seed, journeys=30)
    dice = random.Random(seed)
    dice.shuffle(sent)
    await watch(ingest)
    await feed(ingest, sent)
    at_once = await everything(ingest)
    await ingest.forget()

    for begin in range(0, len(sent), 20):
        await feed(ingest, sent[begin : begin + 20])
        if dice.random() < 0.7:
            await ingest.gather()
        if dice.random() < 0.3:
            await make_months(ingest)

    assert await everything(ingest) == at_once
    await ingest.gather()
    assert await everything(ingest) == at_once


async def test_what_comes_late_is_added_to_a_month_that_is_made(ingest: Ingest) -> None:
    begun = NOW - 60 * DAY
    await ingest.journeys(journey_event("started", "j1", at=begun))
    await ingest.gather()
    await make_months(ingest)
    await ingest.journeys(journey_event("started", "j2", at=begun), journey_event("started", "j3", at=begun + DAY))

    async def of_month() -> list[int]:
        return [one["j.started"] for one in (await readings(ingest, "permit")).of_cut("month", "").values()]

    assert await of_month() == [3]
    await ingest.gather()
    assert await of_month() == [3]
    assert (await ingest.total(grain="month"))["j.started"] == 3


async def test_workers_and_gathering_at_the_same_time_lose_nothing_and_count_nothing_twice(ingest: Ingest) -> None:
    """Events of the same few days, in four partitions, while two gather without a pause and one reads."""
    begun, batches, many = NOW - 40 * DAY, 12, 25
    stop = asyncio.Event()

    async def work(partition: int) -> None:
        lane = await ingest.claim(JOURNEYS.name, partition)
        for batch in range(batches):
            sent = [
                journey_event("started", f"p{partition}-{batch}-{n}", at=begun + (n % 3) * DAY) for n in range(many)
            ]
            await ingest.commit(lane, numbered(sent, lane.position.next_offset))

    async def keep_gathering() -> int:
        gone = 0
        while not stop.is_set():
            gone += await ingest.gather()
        return gone

    async def keep_reading() -> list[int]:
        seen = []
        while not stop.is_set():
            days = (await readings(ingest, "permit")).of_cut("day", "")
            seen.append(sum(one["j.started"] for one in days.values()))
        return seen

    gathering = [asyncio.create_task(keep_gathering()) for _ in range(2)]
    reading = asyncio.create_task(keep_reading())
    await asyncio.gather(*map(work, range(4)))
    stop.set()
    seen = await reading
    assert sum(await asyncio.gather(*gathering)) > 0
    assert len(seen) > 3
    assert seen == sorted(seen), "a number that was read never goes back"
    assert all(one % many == 0 for one in seen), "a batch is seen as a whole"
    assert (await ingest.total())["j.started"] == 4 * batches * many


async def test_gathering_that_ends_halfway_changes_nothing(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    await ingest.answers(answer("a"))
    await ingest.journeys(journey_event("started", "j"))
    before, puts = await everything(ingest), 0
    put = PostgresGather.put

    async def fails_the_second_time(store: PostgresGather, topic: str, changed: Mapping[Cell, Changed]) -> None:
        nonlocal puts
        puts += 1
        if puts == 2:
            raise RuntimeError("killed")
        await put(store, topic, changed)

    with monkeypatch.context() as patched:
        patched.setattr(PostgresGather, "put", fails_the_second_time)
        await ingest.gather()
    assert puts == 2
    assert (await number(ingest, "change"), await number(ingest, "aggregate")) == (2, 0)
    assert await everything(ingest) == before
    assert await ingest.gather() == 2


async def test_what_goes_wrong_with_one_service_does_not_stop_the_others(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", "j1"), journey_event("started", "j2", service="tax"))
    await ingest.query("""UPDATE evaluation.change SET data = '{"cuts":[]}' WHERE service_id = 'permit'""")
    assert await ingest.gather() == 1
    assert (await ingest.query("SELECT service_id FROM evaluation.change"))[0][0] == "permit"


async def test_gathering_is_no_news_for_the_evaluator_and_a_change_is(ingest: Ingest) -> None:
    await fill(ingest)
    reader = PostgresMeasureReader(ingest.pool)

    async def known() -> tuple[Mapping[str, int], dict[int, datetime]]:
        found = await reader.changed_days("permit")
        return await reader.generations(), {day.start_ms: day.changed_at for day in found.days}

    before = await known()
    assert await ingest.gather() > 10
    await make_months(ingest)
    assert await known() == before

    await ingest.journeys(journey_event("started", "news", at=NOW - 3 * DAY))
    await ingest.journeys(journey_event("started", "today"))
    after = await known()
    assert after[0]["permit"] == before[0]["permit"] + 2
    changed = {day for day, at in after[1].items() if at != before[1].get(day)}
    assert len(changed) == 2
    assert len({after[1][day] for day in changed}) == 2, "each at its own time"
    await ingest.gather()
    assert await known() == after


async def test_a_day_that_came_back_to_what_it_was_has_changed_all_the_same(ingest: Ingest) -> None:
    """Whoever evaluated it in between must look again."""
    await ingest.answers(answer("a", at=NOW - 40 * DAY))
    await ingest.gather()
    reader = PostgresMeasureReader(ingest.pool)
    await ingest.answers(answer("b", at=NOW - 40 * DAY), answer("c", at=NOW - 41 * DAY))
    read_at = (await reader.changed_days("permit")).read_at
    await ingest.answers(erasure("b"), erasure("c"))
    waiting = (await reader.changed_days("permit")).days
    assert len([one for one in waiting if one.changed_at > read_at]) == 2

    await ingest.gather()

    assert sorted((await reader.changed_days("permit")).days, key=lambda one: one.start_ms) == sorted(
        waiting, key=lambda one: one.start_ms
    )
    assert (await ingest.total())["answers"] == 1


async def test_only_what_has_waited_or_piled_up_is_gathered(ingest: Ingest) -> None:
    async def left(*journeys: str, wait: str = "0 s", size: int = 2**30) -> int:
        for name in journeys:
            await ingest.journeys(journey_event("started", name))
        await ingest.query(f"UPDATE evaluation.change SET changed_at = changed_at - interval '{wait}'")
        await GatherChanges(PostgresGatherStore(ingest.pool), much=Much(3, size)).run()
        return await number(ingest, "change")

    assert await left("j1", "j2") == 2
    assert await left("j3") == 0
    assert await left("j4", wait="61 s") == 0
    assert await left("j5", size=10) == 0, "one at least, however large it is"


async def test_as_much_is_gathered_at_once_as_fits(ingest: Ingest) -> None:
    for name in ("j1", "j2", "j3"):
        await ingest.journeys(journey_event("started", name))
    (row,) = await ingest.query("SELECT max(pg_column_size(data)) FROM evaluation.change")
    store = PostgresGatherStore(ingest.pool)
    for size, taken in ((row[0] * 2.5, 2), (1, 1), (1, 0)):
        async with store.alone("permit") as transaction:
            assert transaction
            assert len(await transaction.take(Much(10, int(size)))) == taken


async def test_a_rebuild_mends_days_and_months(ingest: Ingest) -> None:
    await fill(ingest)
    await ingest.gather()
    await make_months(ingest)
    await feed(ingest, traffic(9, journeys=5))  # some of it late, and waiting
    right = await ingest.cells()
    assert [(await rebuild(ingest, service)).changed for service in ("permit", "tax")] == [0, 0]

    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = 'channel=web'""")
    await ingest.query("UPDATE evaluation.aggregate SET data = '{}' WHERE cut = '' AND grain = 'month'")
    await ingest.query("DELETE FROM evaluation.aggregate WHERE cut = 'language=en' AND grain = 'month'")
    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert min(one.changed for one in done) > 10
    assert await ingest.cells() == right


async def test_a_batch_between_two_partitions_of_a_rebuild_counts_once(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every time a partition is done, more is counted in all of them, and a worker tries to gather."""
    await fill(ingest)
    await ingest.gather()
    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = ''""")
    partition, more = PostgresRebuildStore.partition, iter(range(100))

    @asynccontextmanager
    async def with_more_after(store: PostgresRebuildStore, topic: str, place: int) -> AsyncIterator[Any]:
        async with partition(store, topic, place) as transaction:
            yield transaction
        for into in range(3):
            name = f"more{next(more)}"
            await ingest.feed(JOURNEYS.name, journey_event("started", name, at=NOW - into * 50 * DAY), partition=into)
            await ingest.feed(FEEDBACK.name, answer(name, at=NOW - into * 50 * DAY), partition=into)
        await ingest.gather()

    with monkeypatch.context() as patched:
        patched.setattr(PostgresRebuildStore, "partition", with_more_after)
        await rebuild(ingest)
    assert next(more) > 10
    await rebuild(ingest, "tax")
    found = await ingest.cells()
    await ingest.gather()
    assert await ingest.cells() == found
    await ingest.query("TRUNCATE evaluation.aggregate, evaluation.change")
    for service in ("permit", "tax"):
        await rebuild(ingest, service)
    assert await ingest.cells() == found


async def test_a_rebuild_whose_lock_is_gone_writes_nothing(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(ingest)
    await ingest.gather()
    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = ''""")
    stored, partitions = await ingest.raw_cells(), PostgresRebuildStore.partitions

    async def loses_the_lock(store: PostgresRebuildStore, topic: str) -> list[int]:
        await ingest.query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return await partitions(store, topic)

    monkeypatch.setattr(PostgresRebuildStore, "partitions", loses_the_lock)
    with pytest.raises(UnavailableError):
        await rebuild(ingest)
    assert await ingest.raw_cells() == stored


async def test_nobody_gathers_a_service_or_makes_its_months_beside_its_rebuild(ingest: Ingest) -> None:
    await ingest.feed(FEEDBACK.name, *(sent for topic, _, sent in traffic() if topic == FEEDBACK.name))
    await ingest.gather()
    await ingest.feed(FEEDBACK.name, answer("more"), answer("more of tax", service="tax"))
    async with held_by_rebuild(ingest.pool, "permit"):
        assert await ingest.gather() == 1
        await make_months(ingest)
        left = await ingest.query("SELECT DISTINCT service_id FROM evaluation.aggregate WHERE grain = 'month'")
        assert {row[0] for row in left} == {"tax"}
    assert await ingest.gather() == 1
    await make_months(ingest)
    left = await ingest.query("SELECT DISTINCT service_id FROM evaluation.aggregate WHERE grain = 'month'")
    assert {row[0] for row in left} == {"permit", "tax"}
