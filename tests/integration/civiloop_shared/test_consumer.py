"""A member of a group that reads from where it is told, and says what it owns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from civiloop_shared.errors import UnavailableError
from civiloop_shared.kafka.consumer import ConsumerOptions, PartitionConsumer
from civiloop_shared.kafka.errors import OffsetLostError
from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.topics import ensure_topics
from tests.integration.civiloop_shared.conftest import Broker
from tests.support.waiting import insist, until

Make = Callable[..., PartitionConsumer]


@pytest.fixture
async def make(broker: Broker, prefix: str) -> AsyncIterator[Make]:
    made: list[PartitionConsumer] = []

    def make(**options: float) -> PartitionConsumer:
        topics = [prefix + JOURNEYS.name]
        settings = ConsumerOptions(**{"session_ms": 6_000, **options})  # type: ignore[arg-type]
        made.append(PartitionConsumer(broker.bootstrap_servers, f"{prefix}group", topics, settings))
        return made[-1]

    yield make
    for consumer in made:
        await consumer.stop()


async def fill(producer: DurableProducer, topic: str, numbers: range) -> None:
    await producer.send_batch(topic, [(b"%d" % number, b"%d" % number, ()) for number in numbers])


async def take(
    consumer: PartitionConsumer, offsets: dict[TopicPartition, int], seconds: float, until_count: int = 10**9
) -> list[int]:
    """Consume as the engine does: position what is assigned by our own offsets, keep them as we go."""
    found: list[int] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and len(set(found)) < until_count:
        for partition in (await consumer.changes()).assigned:
            consumer.seek(partition, offsets.get(partition, 0))
        for partition, records in (await consumer.fetch(timeout_s=0.1)).items():
            assert records[0].offset == offsets.get(partition, 0)
            offsets[partition] = records[-1].offset + 1
            found += [int(record.value or b"") for record in records]
    return found


async def test_nothing_is_read_before_it_was_told_from_where(
    make: Make, producer: DurableProducer, prefix: str
) -> None:
    await fill(producer, prefix + JOURNEYS.name, range(100))
    consumer = make()
    await consumer.start()
    rebalance = await consumer.changes(timeout_s=10.0)
    assert len(rebalance.assigned) == JOURNEYS.partitions
    assert await consumer.fetch(timeout_s=0.5) == {}
    one = min(rebalance.assigned)
    consumer.seek(one, 0)
    records = await consumer.fetch(timeout_s=5.0)
    assert set(records) == {one}


async def test_a_rebalance_listener_that_fails_changes_nothing(
    make: Make, producer: DurableProducer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = prefix + JOURNEYS.name
    await fill(producer, topic, range(100))
    before = make()
    await before.start()
    await take(before, {}, 1.5)
    before.commit_lazily(dict.fromkeys(before.owned, 0))
    await before.stop()

    def fail(*_: TopicPartition) -> None:
        raise RuntimeError("aiokafka swallows this")

    monkeypatch.setattr(AIOKafkaConsumer, "pause", fail)
    consumer = make()
    await consumer.start()
    assigned = (await consumer.changes(timeout_s=10.0)).assigned
    await asyncio.sleep(1.0)
    assert await consumer.fetch(timeout_s=0.5) == {}
    for partition in assigned:
        consumer.seek(partition, 0)
    assert sorted(await take(consumer, {}, 2.0)) == list(range(100))


async def test_two_members_share_and_one_takes_over_all_when_the_other_leaves(
    make: Make, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    first, second = make(), make()
    offsets: dict[TopicPartition, int] = {}
    await first.start()
    await fill(producer, topic, range(200))
    found = await take(first, offsets, 2.0)
    await second.start()
    writing = asyncio.create_task(_fill_slowly(producer, topic, 200, 600))
    both = await asyncio.gather(take(first, offsets, 4.0), take(second, offsets, 4.0))
    assert len(first.owned) == len(second.owned) == JOURNEYS.partitions // 2
    assert both[1]
    await writing
    await first.stop()
    rest = await take(second, offsets, 3.0)
    assert len(second.owned) == JOURNEYS.partitions
    assert set(found + both[0] + both[1] + rest) == set(range(600))


async def test_an_offset_that_is_gone_stops_that_partition_and_says_so(
    make: Make, producer: DurableProducer, prefix: str
) -> None:
    await fill(producer, prefix + JOURNEYS.name, range(100))
    consumer = make()
    await consumer.start()
    assigned = sorted((await consumer.changes(timeout_s=10.0)).assigned)
    consumer.seek(assigned[0], 1_000_000)
    for partition in assigned[1:]:
        consumer.seek(partition, 0)
    lost, found = None, 0
    for _ in range(10):
        try:
            found += sum(len(records) for records in (await consumer.fetch(timeout_s=0.3)).values())
        except OffsetLostError as error:
            lost = error
    assert lost is not None
    assert (lost.partition, lost.offset) == (assigned[0].partition, 1_000_000)
    [span] = (await consumer.spans([assigned[0]])).values()
    assert found == 100 - span[1]


async def test_a_topic_that_was_made_anew_has_another_id(make: Make, broker: Broker, prefix: str) -> None:
    consumer = make()
    await consumer.start()
    before = await consumer.topic_ids()
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.delete_topics([prefix + JOURNEYS.name])
    while await consumer.topic_ids():
        await asyncio.sleep(0.1)
    await admin.close()
    await ensure_topics(broker.bootstrap_servers, prefix, topics=[JOURNEYS])
    after = await consumer.topic_ids()
    assert before.keys() == after.keys()
    assert before != after


async def test_lag_is_known_and_a_paused_partition_waits(make: Make, producer: DurableProducer, prefix: str) -> None:
    topic = prefix + JOURNEYS.name
    await fill(producer, topic, range(300))
    consumer = make()
    await consumer.start()
    for partition in (await consumer.changes(timeout_s=10.0)).assigned:
        consumer.seek(partition, 0)
    paused = TopicPartition(topic, 3)
    consumer.pause(paused)
    offsets = dict.fromkeys(consumer.owned, 0)
    found = await take(consumer, offsets, 1.5)
    assert offsets[paused] == 0
    [span] = (await consumer.spans([paused])).values()
    assert len(found) == 300 - span[1]
    consumer.resume(paused)
    found += await take(consumer, offsets, 1.5)
    assert len(found) == 300
    assert {consumer.lag(one) for one in consumer.owned} == {0}


async def test_offsets_are_told_to_kafka_for_lag_tools(
    make: Make, broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    await fill(producer, topic, range(50))
    consumer = make()
    await consumer.start()
    offsets: dict[TopicPartition, int] = {}
    await take(consumer, offsets, 2.0)
    consumer.commit_lazily(offsets)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    for _ in range(50):
        told = await admin.list_consumer_group_offsets(f"{prefix}group")
        if len(told) == len(offsets):
            break
        await asyncio.sleep(0.1)
    await admin.close()
    assert {partition: mark.offset for partition, mark in told.items()} == offsets


@pytest.mark.requirement("B7")
async def test_it_goes_on_after_the_broker_was_killed_and_started_again(
    make: Make, broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    consumer = make()
    await consumer.start()
    offsets: dict[TopicPartition, int] = {}
    await fill(producer, topic, range(100))
    found = await take(consumer, offsets, 2.0)
    broker.kill()
    taking = asyncio.create_task(take(consumer, offsets, 60.0, until_count=100))
    await asyncio.sleep(1.0)
    await asyncio.to_thread(broker.start)
    await insist(lambda: fill(producer, topic, range(100, 200)), 40.0)
    found += await taking
    assert set(found) == set(range(200))


async def test_a_consumer_that_gets_no_answer_is_noticed_and_a_new_one_reads_on(
    make: Make, broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    consumer = make(stuck_after_s=2.0, request_timeout_ms=3_000)
    await consumer.start()
    offsets: dict[TopicPartition, int] = {}
    await fill(producer, topic, range(50))
    found = await take(consumer, offsets, 2.0)
    await asyncio.sleep(2.5)
    await take(consumer, offsets, 0.5)
    assert consumer.stuck() == [], "an idle partition is not stuck"
    broker.freeze()
    await until(lambda: bool(consumer.stuck()), 10.0)
    broker.thaw()
    owned = consumer.owned
    await consumer.restart()
    rebalance = await consumer.changes(timeout_s=15.0)
    assert rebalance.revoked == owned
    await insist(lambda: fill(producer, topic, range(50, 100)), 30.0)
    while not consumer.owned:
        await consumer.changes(timeout_s=1.0)
    for partition in consumer.owned:
        consumer.seek(partition, offsets.get(partition, 0))
    found += await take(consumer, offsets, 40.0, until_count=50)
    assert set(found) == set(range(100))
    assert consumer.generation == 2


async def test_without_a_broker_it_says_unavailable() -> None:
    consumer = PartitionConsumer("127.0.0.1:1", "group", [FEEDBACK.name], ConsumerOptions(request_timeout_ms=1_000))
    with pytest.raises(UnavailableError):
        await consumer.start()
    assert consumer.owned == frozenset()


async def _fill_slowly(producer: DurableProducer, topic: str, start: int, end: int) -> None:
    for number in range(start, end, 20):
        await fill(producer, topic, range(number, number + 20))
        await asyncio.sleep(0.1)
