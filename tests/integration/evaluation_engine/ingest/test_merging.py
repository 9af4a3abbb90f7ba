"""Closed days are merged and months are made of them, and nobody can tell by what is read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.adapters.measures import PostgresMeasureReader
from evaluation_engine.adapters.merging import PostgresMerge, PostgresMergeStore, held_by_rebuild
from evaluation_engine.domain.buckets import Grain
from evaluation_engine.ports.measures import ChangedDays, Span
from evaluation_engine.ports.merging import Place, Sum
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.merging import MergeClosedDays
from tests.integration.evaluation_engine.ingest.test_rebuild import fill, rebuild, traffic
from tests.support.ingest import NOW, SERVICES, Ingest, Sent, journey_event, numbered

DAY = timedelta(days=1)
_CUTS = frozenset({"", "channel=web", "channel=phone", "language=en", "channel=web|segment.age=65+", "assisted=yes"})
_GRAINS: tuple[Grain, ...] = ("month", "day", "quarter")


async def merge(ingest: Ingest) -> int:
    gone: list[int] = []
    await MergeClosedDays(PostgresMergeStore(ingest.pool), ingest.now_ms, gone.append).run()
    return sum(gone)


async def readings(ingest: Ingest, service: str) -> Readings:
    spans = [Span(grain, 0, 2**42, _CUTS) for grain in _GRAINS]
    return Readings.of(spans, await PostgresMeasureReader(ingest.pool).read(service, spans))


async def everything(ingest: Ingest) -> dict[str, Any]:
    found = {service: await readings(ingest, service) for service in SERVICES}
    return {service: (one.buckets, one.digest()) for service, one in found.items()}


async def rows(ingest: Ingest, grain: str, *, merged: bool) -> int:
    sign = "=" if merged else "<>"
    (row,) = await ingest.query(
        f"SELECT count(*) FROM evaluation.aggregate WHERE grain = $1 AND partition {sign} -1", grain
    )
    return int(row[0])


async def feed(ingest: Ingest, sent: list[tuple[str, int, Sent]]) -> None:
    for topic, partition, one in sent:
        await ingest.feed(topic, one, partition=partition)


@pytest.mark.requirement("P2")
async def test_what_is_read_is_the_same_before_and_after_a_merge(ingest: Ingest) -> None:
    await fill(ingest)
    await ingest.journeys(journey_event("started", "today"))
    before, parts = await everything(ingest), await rows(ingest, "day", merged=False)

    gone = await merge(ingest)

    assert await everything(ingest) == before
    assert parts > gone > 0.8 * parts, "of half a year all but the last days"
    assert 0 < await rows(ingest, "day", merged=True) < gone
    months = {
        row[0] for row in await ingest.query("SELECT bucket_start FROM evaluation.aggregate WHERE grain = 'month'")
    }
    assert len(months) >= 5
    assert max(months) < NOW - 30 * DAY, "the month that goes on is read by its days"
    assert await merge(ingest) == 0


@pytest.mark.requirement("P2")
@pytest.mark.parametrize("seed", [3, 5])
async def test_it_does_not_matter_when_merges_were_made(ingest: Ingest, seed: int) -> None:
    """Late events and corrections come between them, for days that were merged and for months that were made."""
    sent = traffic(seed, journeys=30)
    dice = random.Random(seed)
    dice.shuffle(sent)
    await feed(ingest, sent)
    at_once = await everything(ingest)
    await ingest.query("TRUNCATE evaluation.aggregate, evaluation.journey, evaluation.answer, evaluation.seen_event")
    ingest.lanes.clear()
    await ingest.query("DELETE FROM evaluation.sink_position")

    for begin in range(0, len(sent), 20):
        await feed(ingest, sent[begin : begin + 20])
        if dice.random() < 0.7:
            await merge(ingest)

    assert await everything(ingest) == at_once
    await merge(ingest)
    assert await everything(ingest) == at_once


async def test_a_day_that_its_owner_still_held_in_memory_is_not_counted_twice(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", "j1"), journey_event("started", "j2"))
    await ingest.pass_days(6)
    assert await merge(ingest) > 0

    await ingest.journeys(journey_event("completed", "j1", at=NOW + timedelta(minutes=5)))

    total = (await readings(ingest, "permit")).of_cut("day", "")
    assert [(one["j.started"], one["j.completed"]) for one in total.values()] == [(2, 1)]
    assert await rows(ingest, "day", merged=False) > 0, "what came late is a row of its partition again"
    await merge(ingest)
    assert (await readings(ingest, "permit")).of_cut("day", "") == total
    assert await rows(ingest, "day", merged=False) == 0


async def test_workers_and_merges_at_the_same_time_lose_nothing_and_count_nothing_twice(ingest: Ingest) -> None:
    """Late events of the same few old days, in four partitions, while merges run without a pause."""
    begun, batches, many = NOW - 40 * DAY, 12, 25
    stop = asyncio.Event()

    async def work(partition: int) -> None:
        lane = await ingest.claim(JOURNEYS.name, partition)
        for batch in range(batches):
            sent = [
                journey_event("started", f"p{partition}-{batch}-{n}", at=begun + (n % 3) * DAY) for n in range(many)
            ]
            await ingest.commit(lane, numbered(sent, lane.position.next_offset))

    async def keep_merging() -> int:
        gone = 0
        while not stop.is_set():
            gone += await merge(ingest)
        return gone

    merging = asyncio.create_task(keep_merging())
    await asyncio.gather(*map(work, range(4)))
    stop.set()
    assert await merging > 0

    days = (await readings(ingest, "permit")).of_cut("day", "")
    assert sum(one["j.started"] for one in days.values()) == 4 * batches * many
    months = (await readings(ingest, "permit")).of_cut("month", "")
    assert sum(one["j.started"] for one in months.values()) == 4 * batches * many


async def test_a_merge_does_not_wait_for_a_worker(ingest: Ingest) -> None:
    await fill(ingest)
    parts = await rows(ingest, "day", merged=False)
    async with ingest.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM evaluation.aggregate WHERE cut = '' FOR UPDATE")
        gone = await asyncio.wait_for(merge(ingest), 30)
    assert 0 < gone < parts
    assert await merge(ingest) > 0, "what was held comes next time"


async def test_a_merge_that_ends_halfway_changes_nothing(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(ingest)
    before, stored = await everything(ingest), await ingest.raw_cells()

    async def fails(_: PostgresMerge, grain: str, sums: Mapping[Place, Sum]) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresMerge, "put", fails)
        with pytest.raises(RuntimeError):
            await merge(ingest)
    assert await ingest.raw_cells() == stored
    assert await everything(ingest) == before


async def test_a_merge_is_no_news_for_the_evaluator(ingest: Ingest) -> None:
    await fill(ingest)
    reader = PostgresMeasureReader(ingest.pool)

    async def known() -> tuple[Any, ...]:
        found: ChangedDays = await reader.changed_days("permit")
        return await reader.generations(), set(found.days)

    before = await known()
    assert await merge(ingest) > 0
    assert await known() == before


async def test_a_rebuild_of_merged_days_changes_nothing(ingest: Ingest) -> None:
    await fill(ingest)
    await merge(ingest)
    for topic, partition, one in traffic(9, journeys=5):
        await ingest.feed(topic, one, partition=partition)  # some of it late
    stored = await ingest.raw_cells()

    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert [one.changed for one in done] == [0, 0]
    assert min(one.cells for one in done) > 100
    assert await ingest.raw_cells() == stored


async def test_a_rebuild_mends_merged_days_and_months(ingest: Ingest) -> None:
    await fill(ingest)
    await merge(ingest)
    stored = await ingest.raw_cells()
    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = 'channel=web'""")
    await ingest.query("UPDATE evaluation.aggregate SET data = '{}' WHERE cut = '' AND grain = 'month'")

    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert min(one.changed for one in done) > 10
    assert await ingest.raw_cells() == stored


async def test_no_merge_of_a_service_goes_on_beside_its_rebuild(ingest: Ingest) -> None:
    await ingest.feed(FEEDBACK.name, *(sent for topic, _, sent in traffic() if topic == FEEDBACK.name))
    async with held_by_rebuild(ingest.pool, "permit"):
        await merge(ingest)
        left = await ingest.query(
            "SELECT DISTINCT service_id, partition FROM evaluation.aggregate WHERE grain = 'month'"
        )
    assert {tuple(row) for row in left} == {("tax", -1)}
    assert await merge(ingest) > 0
