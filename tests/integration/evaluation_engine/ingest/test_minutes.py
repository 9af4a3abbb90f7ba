"""The minute ring: written with its batch, for three days, and only what watched targets need."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.contribution.context import Minutes
from tests.integration.evaluation_engine.ingest.test_rebuild import rebuild, traffic
from tests.support.ingest import NOW, Ingest, Sent, answer, erasure, journey_event, measurement

MINUTE = timedelta(minutes=1)
KEPT: Minutes = (
    ("", ("answers", "e.dur.", "j.errored", "j.started", "m.up-seconds.", "rating.")),
    ("channel=web", ("j.started",)),
)


class Watched:
    """Implements ``MinuteSource``."""

    async def minutes(self) -> Mapping[str, Minutes]:
        return {"permit": KEPT}


async def watch(ingest: Ingest) -> None:
    ingest.book.minutes = Watched()
    await ingest.book.refresh()


async def ring(ingest: Ingest, service: str = "permit") -> dict[tuple[str, int], Measures]:
    """Measures by cut and minutes before now, of all topics; empty ones are left out."""
    await ingest.gather()
    rows = await ingest.query(
        "SELECT cut, bucket_start, data::text FROM evaluation.minute WHERE service_id = $1", service
    )
    found: dict[tuple[str, int], list[Measures]] = {}
    for cut, start, data in rows:
        found.setdefault((cut, (NOW - start) // MINUTE), []).append(json.loads(data))
    return {at: sums for at, parts in found.items() if (sums := merge(parts))}


async def rows(ingest: Ingest) -> list[tuple[Any, ...]]:
    await ingest.gather()
    found = await ingest.query(
        "SELECT topic, service_id, cut, bucket_start, data::text FROM evaluation.minute"
        " WHERE data::text <> '{}' ORDER BY 1, 2, 3, 4"
    )
    return [tuple(row) for row in found]


def lane(one: Sent, workers: int) -> int:
    return zlib.crc32(one.key or b"") % workers


async def test_events_lie_in_their_minute_with_what_is_watched_and_nothing_else(ingest: Ingest) -> None:
    await watch(ingest)
    await ingest.journeys(
        journey_event("started", "j1", at=NOW - 5 * MINUTE),
        journey_event("step", "j1", at=NOW - 4 * MINUTE, step="form"),
        journey_event("started", "j2", at=NOW - 5 * MINUTE, channel="phone"),
        journey_event("started", "j3", at=NOW - 5 * MINUTE, service="tax"),
    )
    await ingest.answers(answer("a1", at=NOW - 4 * MINUTE, rating=2))
    assert await ring(ingest) == {
        ("", 5): {"j.started": 2},
        ("channel=web", 5): {"j.started": 1},
        ("", 4): {"answers": 1, "rating.2": 1},
    }
    assert not await ring(ingest, "tax")


async def test_duplicates_add_nothing_corrections_move_and_erasures_take_out(ingest: Ingest) -> None:
    await watch(ingest)
    begun = journey_event("started", "j1", at=NOW - 10 * MINUTE)
    await ingest.journeys(begun, begun)
    await ingest.journeys(begun, journey_event("error", "j1", at=NOW - 2 * MINUTE))
    assert (await ring(ingest))["", 10] == {"j.started": 1, "j.errored": 1}
    await ingest.journeys(journey_event("started", "j1", at=NOW - 30 * MINUTE))
    assert {at for _, at in await ring(ingest)} == {30}
    await ingest.answers(answer("a1", at=NOW - 4 * MINUTE), answer("a1", at=NOW - 4 * MINUTE))
    assert (await ring(ingest))["", 4]["answers"] == 1
    await ingest.answers(erasure("a1"))
    assert ("", 4) not in await ring(ingest)


async def test_the_ring_is_the_same_in_any_order_over_any_partitions(ingest: Ingest) -> None:
    await watch(ingest)
    events = [
        (topic, one)
        for topic, _, one in traffic(3, journeys=60)
        if json.loads(one.value or b"{}")["data"]["service"] == "permit"
    ]
    recent = [
        (JOURNEYS.name, journey_event(kind, f"r{n}", at=NOW - n * 40 * MINUTE + k * MINUTE, step=f"s{k}"))
        for n in range(120)
        for k, kind in enumerate(("started", "error", "fulfilled"))
    ]
    found = []
    for seed, workers in ((1, 1), (2, 3)):
        await ingest.forget()
        dice = random.Random(seed)
        sent = events + recent + dice.sample(recent, 40)
        dice.shuffle(sent)
        for at in range(0, len(sent), 50):
            for topic in (JOURNEYS.name, FEEDBACK.name):
                part = [one for name, one in sent[at : at + 50] if name == topic]
                for partition in range(workers):
                    if batch := [one for one in part if lane(one, workers) == partition]:
                        await ingest.feed(topic, *batch, partition=partition)
        found.append(await ring(ingest))
    assert found[0] == found[1]
    # 120 journeys, 40 minutes apart: those of the last 3 days and an hour are in the ring
    assert sum(one.get("j.started", 0) for (cut, at), one in found[0].items() if not cut and at % 40 == 0) >= 109


async def test_events_older_than_three_days_leave_the_ring_alone(ingest: Ingest) -> None:
    await watch(ingest)
    long_ago = NOW - timedelta(days=3, hours=2)
    await ingest.journeys(journey_event("started", "old", at=long_ago))
    await ingest.answers(answer("old", at=long_ago))
    await ingest.measurements(
        measurement("up-seconds", 60, event_id="m1", occurred_at=long_ago.isoformat()),
    )
    assert not await rows(ingest)
    await ingest.measurements(measurement("up-seconds", 60, event_id="m2"))
    assert (await ring(ingest))["", 0]["m.up-seconds.sum"] == 60_000
    assert (await ingest.total())["j.started"] == 1


async def test_minutes_expire_by_themselves_and_what_comes_out_later_leaves_nothing_behind(ingest: Ingest) -> None:
    await watch(ingest)
    await ingest.journeys(journey_event("started", "j1", at=NOW - MINUTE))
    await ingest.answers(answer("a1", at=NOW - MINUTE))
    await ingest.pass_days(2)
    assert len(await rows(ingest)) == 3
    await ingest.pass_days(1.2)
    assert not await ingest.query("SELECT * FROM evaluation.minute")
    await ingest.answers(erasure("a1"))
    await ingest.journeys(journey_event("error", "j1", at=NOW))
    await ingest.gather()
    assert not await ingest.query("SELECT * FROM evaluation.minute")


async def test_facts_counted_before_a_target_was_watched_come_out_without_the_ring(ingest: Ingest) -> None:
    await ingest.answers(answer("a1", at=NOW - MINUTE))
    await watch(ingest)
    await ingest.answers(erasure("a1"), answer("a2", at=NOW - MINUTE))
    assert await ring(ingest) == {("", 1): {"answers": 1, "rating.4": 1}}
    ingest.book.minutes = None
    await ingest.book.refresh()
    ingest.lanes.clear()
    await ingest.answers(erasure("a2"), answer("a3", at=NOW - MINUTE))
    assert not await ring(ingest)


@pytest.mark.requirement("B14")
async def test_a_rebuild_leaves_the_ring_right(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", "unwatched", at=NOW - 3 * MINUTE))
    await watch(ingest)
    for topic, partition, one in traffic(2, journeys=40):
        await ingest.feed(topic, one, partition=partition)
    for n in range(30):
        await ingest.feed(JOURNEYS.name, journey_event("started", f"r{n}", at=NOW - n * 30 * MINUTE), partition=n % 3)
    before = await rows(ingest)
    assert (await rebuild(ingest)).changed == 0

    await ingest.query("UPDATE evaluation.minute SET data = '{\"j.started\":99}' WHERE cut = 'channel=web'")
    await ingest.query("DELETE FROM evaluation.minute WHERE cut = '' AND bucket_start > $1", NOW - 90 * MINUTE)

    assert (await rebuild(ingest)).changed > 10
    assert len(before) > 40
    assert await rows(ingest) == before
