"""Changes are gathered and months are made, and nobody can tell by what is read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.adapters.gathering import PostgresGather, PostgresGatherStore, held_by_rebuild
from evaluation_engine.adapters.measures import PostgresMeasureReader
from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import Grain
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.ports.measures import ChangedDays, Span
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.gathering import GatherChanges, MakeMonths
from tests.integration.evaluation_engine.ingest.test_minutes import watch
from tests.integration.evaluation_engine.ingest.test_rebuild import fill, rebuild, traffic
from tests.support.ingest import NOW, SERVICES, Ingest, Sent, journey_event, numbered

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
    await fill(ingest)
    before, waiting = await everything(ingest), await number(ingest, "change")

    async def fails(_: PostgresGather, topic: str, sums: Mapping[Cell, Measures], changed_at: datetime) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresGather, "put", fails)
        with pytest.raises(RuntimeError):
            await ingest.gather()
    assert await number(ingest, "change") == waiting
    assert await everything(ingest) == before


async def test_gathering_is_no_news_for_the_evaluator_and_a_change_is(ingest: Ingest) -> None:
    await fill(ingest)
    reader = PostgresMeasureReader(ingest.pool)

    async def known() -> tuple[Mapping[str, int], set[int]]:
        found: ChangedDays = await reader.changed_days("permit")
        return await reader.generations(), {day.start_ms for day in found.days}

    before = await known()
    assert await ingest.gather() > 0
    await make_months(ingest)
    assert await known() == before

    at = (await reader.changed_days("permit")).read_at
    await ingest.journeys(journey_event("started", "news", at=NOW - 3 * DAY))
    after = await known()
    assert after[0]["permit"] == before[0]["permit"] + 1
    changed = [one for one in (await reader.changed_days("permit")).days if one.changed_at > at]
    assert len(changed) == 1
    await ingest.gather()
    changed_now = [one for one in (await reader.changed_days("permit")).days if one.changed_at > at]
    assert [one.start_ms for one in changed_now] == [one.start_ms for one in changed]


async def test_only_what_has_waited_or_piled_up_is_gathered(ingest: Ingest) -> None:
    gather = GatherChanges(PostgresGatherStore(ingest.pool), many=3)
    await ingest.journeys(journey_event("started", "j1"))
    await ingest.journeys(journey_event("started", "j2"))
    await gather.run()
    assert await number(ingest, "change") == 2
    await ingest.journeys(journey_event("started", "j3"))
    await gather.run()
    assert await number(ingest, "change") == 0

    await ingest.journeys(journey_event("started", "j4"))
    await ingest.query("UPDATE evaluation.change SET changed_at = changed_at - interval '61 s'")
    await gather.run()
    assert await number(ingest, "change") == 0


async def test_a_rebuild_mends_days_and_months(ingest: Ingest) -> None:
    await fill(ingest)
    await ingest.gather()
    await make_months(ingest)
    await feed(ingest, traffic(9, journeys=5))  # some of it late, and waiting
    right = await ingest.cells()
    assert [(await rebuild(ingest, service)).changed for service in ("permit", "tax")] == [0, 0]

    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = 'channel=web'""")
    await ingest.query("UPDATE evaluation.aggregate SET data = '{}' WHERE cut = '' AND grain = 'month'")
    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert min(one.changed for one in done) > 10
    assert await ingest.cells() == right


async def test_nobody_gathers_a_service_beside_its_rebuild(ingest: Ingest) -> None:
    await ingest.feed(FEEDBACK.name, *(sent for topic, _, sent in traffic() if topic == FEEDBACK.name))
    async with held_by_rebuild(ingest.pool, "permit"):
        await ingest.gather()
        await make_months(ingest)
        left = await ingest.query("SELECT DISTINCT service_id FROM evaluation.aggregate WHERE grain = 'month'")
        assert {row[0] for row in left} == {"tax"}
    assert await ingest.gather() > 0
