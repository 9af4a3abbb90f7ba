"""The same events give the same aggregates, whatever their order and however many workers share them (P6)."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civiloop_shared.contracts.topics import JOURNEYS
from tests.integration.evaluation_engine.ingest.test_rebuild import traffic
from tests.support.ingest import Ingest, Sent

EXAMPLES = 8


async def counted(
    ingest: Ingest, events: list[tuple[str, Sent]], workers: int, dice: random.Random
) -> dict[object, str]:
    """The cells after all events came shuffled, some twice, in batches of any size, over so many partitions."""
    await ingest.forget()
    sent = events + dice.sample(events, len(events) // 4)
    dice.shuffle(sent)
    waiting: dict[tuple[str, int], list[Sent]] = {}
    for topic, one in sent:
        waiting.setdefault((topic, zlib.crc32(one.key or b"") % workers), []).append(one)
    while waiting:
        topic, partition = at = dice.choice(sorted(waiting))
        size = dice.choice([1, 3, 20, 200])
        batch, rest = waiting[at][:size], waiting[at][size:]
        await ingest.feed(topic, *batch, partition=partition)
        if dice.random() < 0.1:
            ingest.lanes.clear()
        if dice.random() < 0.1:
            await ingest.gather()
        if rest:
            waiting[at] = rest
        else:
            del waiting[at]
    for partition in range(workers):
        if (JOURNEYS.name, partition) in ingest.lanes:
            await ingest.sweep(partition)
    assert (await ingest.audit()).imbalance == 0
    return dict(await ingest.cells())


@pytest.mark.requirement("B14")
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), workers=st.sampled_from([1, 2, 4]))
async def test_order_and_number_of_workers_do_not_matter(ingest: Ingest, seed: int, workers: int) -> None:
    events = [(topic, one) for topic, _, one in traffic(seed % 3, journeys=25)]
    dice = random.Random(seed)

    once = await counted(ingest, events, 1, random.Random(0))

    assert len(once) > 50
    assert await counted(ingest, events, workers, dice) == once
