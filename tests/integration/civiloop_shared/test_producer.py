"""What the durable producer promises, with a broker that dies and freezes."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from civiloop_shared.contracts.topics import JOURNEYS
from civiloop_shared.errors import OverloadedError, TooLargeError, UnavailableError, UnknownOutcomeError
from civiloop_shared.kafka.partitioner import partition_for
from civiloop_shared.kafka.producer import DurableProducer, ProducerOptions
from tests.integration.civiloop_shared.conftest import Broker
from tests.support.waiting import insist, until

HEADERS = [("content-type", b"application/cloudevents+json")]
WARM_UP_S = 10.0
"""For the first send to a fresh topic, which a busy broker takes its time for; what is timed comes after it."""


async def test_records_are_in_the_partitions_of_their_keys_when_the_send_returns(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    sent = [(f"k{i % 40}".encode(), f"v{i}".encode(), HEADERS) for i in range(1_000)]
    await producer.send_batch(topic, sent)
    found = await read_all(broker, topic)
    assert sorted(value or b"" for _, _, value in found) == sorted(value for _, value, _ in sent)
    assert all(partition == partition_for(key, JOURNEYS.partitions) for partition, key, _ in found)
    assert producer.in_flight_bytes == 0


async def test_records_of_one_key_keep_their_order_over_callers(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name

    async def one_caller(caller: int) -> None:
        for number in range(50):
            await producer.send(topic, b"%d" % caller, b"%d" % number)

    await asyncio.gather(*(one_caller(caller) for caller in range(20)))
    by_key: dict[bytes, list[int]] = {}
    for _, key, value in await read_all(broker, topic):
        by_key.setdefault(key, []).append(int(value or b""))
    assert all(numbers == list(range(50)) for numbers in by_key.values())
    assert len(by_key) == 20


async def test_more_than_a_batch_holds_is_sent_in_several(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    records = [(b"one", bytes([i]) * 300_000, ()) for i in range(8)]
    await producer.send_batch(topic, records, deadline_s=10.0)
    assert [value for _, _, value in await read_all(broker, topic)] == [value for _, value, _ in records]


async def test_a_record_that_is_too_large_is_refused_before_anything_is_sent(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    with pytest.raises(TooLargeError):
        await producer.send_batch(prefix + JOURNEYS.name, [(b"a", b"small", ()), (b"b", bytes(1_000_000), ())])
    assert await read_all(broker, prefix + JOURNEYS.name) == []


async def test_a_topic_that_does_not_exist_is_unavailable_in_time(producer: DurableProducer) -> None:
    begun = time.monotonic()
    with pytest.raises(UnavailableError):
        await producer.send("never-made", b"k", b"v")
    assert time.monotonic() - begun < 2.5


async def test_without_a_broker_it_starts_and_refuses_at_once_and_stops_quickly() -> None:
    producer = DurableProducer("127.0.0.1:1")
    await producer.start()
    begun = time.monotonic()
    with pytest.raises(UnavailableError):
        await producer.send("t", b"k", b"v")
    assert time.monotonic() - begun < 2.0
    assert not producer.ready
    begun = time.monotonic()
    await producer.stop()
    assert time.monotonic() - begun < 5.0


@pytest.mark.requirement("B7")
async def test_a_killed_broker_costs_no_acknowledged_record_and_it_comes_back_by_itself(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    driver = Driver(producer, topic)
    driving = asyncio.create_task(driver.drive())
    await asyncio.sleep(1.0)
    before = len(driver.acknowledged)
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(3.0)
    while_down = len(driver.acknowledged)
    await asyncio.to_thread(broker.start)
    await driver.until_acknowledged(while_down + 500)
    driver.go_on = False
    await driving
    assert before > 0
    assert driver.slowest < 2.5
    found = [value for _, _, value in await read_all(broker, topic)]
    assert not driver.acknowledged - set(found)
    assert not set(found) - driver.sent
    assert len(found) == len(set(found)), "an idempotent producer stores nothing twice"


@pytest.mark.requirement("B7")
async def test_a_frozen_broker_costs_neither_memory_nor_time_and_unknown_ones_may_come_in_later(
    broker: Broker, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    options = ProducerOptions(max_bytes_in_flight=1_000_000, deadline_s=1.0)
    producer = DurableProducer(broker.bootstrap_servers, options)
    await producer.start(wait_s=10.0)
    await producer.send_batch(topic, [(b"warm", b"up", ())], deadline_s=WARM_UP_S)
    broker.freeze()
    begun = time.monotonic()
    sends = [producer.send(topic, b"%d" % i, b"x" * 1_000) for i in range(5_000)]
    answers = await asyncio.gather(*sends, return_exceptions=True)
    assert time.monotonic() - begun < 4.0
    assert {type(answer) for answer in answers} <= {UnknownOutcomeError, OverloadedError, UnavailableError}
    assert sum(isinstance(answer, OverloadedError) for answer in answers) > 3_000
    assert producer.in_flight_bytes <= 1_000_000
    await until(lambda: not producer.ready, 5.0)
    broker.thaw()
    assert await producer.wait_ready(20.0)
    await until(lambda: producer.in_flight_bytes == 0, 20.0)
    unknown = sum(type(answer) is UnknownOutcomeError for answer in answers)
    assert len(await read_all(broker, topic)) == unknown + 1
    await producer.stop()


async def test_what_waits_too_long_for_a_frozen_broker_is_given_up_and_frees_its_memory(
    broker: Broker, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    options = ProducerOptions(deadline_s=0.5, renew_after_s=2.0, request_timeout_ms=1_000)
    producer = DurableProducer(broker.bootstrap_servers, options)
    await producer.start(wait_s=10.0)
    await producer.send_batch(topic, [(b"warm", b"up", ())], deadline_s=WARM_UP_S)
    broker.freeze()
    with pytest.raises(UnknownOutcomeError):
        await producer.send(topic, b"k", b"x" * 1_000)
    assert producer.in_flight_bytes > 0
    await until(lambda: producer.in_flight_bytes == 0, 15.0)
    broker.thaw()
    assert await producer.wait_ready(20.0)
    assert producer.generation == 2
    await insist(lambda: producer.send(topic, b"k", b"again"), 20.0)
    await producer.stop()


async def test_stopping_while_the_broker_is_frozen_takes_bounded_time(broker: Broker, prefix: str) -> None:
    producer = DurableProducer(broker.bootstrap_servers, ProducerOptions(deadline_s=0.2))
    await producer.start(wait_s=10.0)
    await producer.send_batch(prefix + JOURNEYS.name, [(b"k", b"v", ())], deadline_s=WARM_UP_S)
    broker.freeze()
    with pytest.raises(UnknownOutcomeError):
        await producer.send(prefix + JOURNEYS.name, b"k", b"w")
    begun = time.monotonic()
    await producer.stop(timeout_s=1.0)
    assert time.monotonic() - begun < 6.0


async def test_a_producer_that_can_send_no_more_is_replaced(
    broker: Broker, producer: DurableProducer, prefix: str
) -> None:
    topic = prefix + JOURNEYS.name
    await producer.send(topic, b"k", b"v")
    assert producer.generation == 1
    # The sender's task ends as it does after a fatal error: aiokafka then refuses for ever.
    assert producer._lanes is not None
    producer._lanes._producer._sender.sender_task.cancel()
    await until(lambda: producer.generation == 2 and producer.ready, 10.0)
    await producer.send(topic, b"k", b"w")
    assert [value for _, _, value in await read_all(broker, topic)] == [b"v", b"w"]


class Driver:
    """Sends numbered records until told to stop, and knows which were acknowledged."""

    def __init__(self, producer: DurableProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self.go_on = True
        self.sent: set[bytes] = set()
        self.acknowledged: set[bytes] = set()
        self.slowest = 0.0

    async def drive(self) -> None:
        await asyncio.gather(*(self._drive(worker) for worker in range(8)))

    async def until_acknowledged(self, count: int) -> None:
        await until(lambda: len(self.acknowledged) >= count, 40.0)

    async def _drive(self, worker: int) -> None:
        number = 0
        while self.go_on:
            batch = [f"{worker}-{number + i}".encode() for i in range(10)]
            number += 10
            self.sent.update(batch)
            begun = time.monotonic()
            try:
                await self._producer.send_batch(self._topic, [(value, value, HEADERS) for value in batch])
            except UnavailableError:
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.update(batch)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            await asyncio.sleep(0.005)


async def read_all(
    broker: Broker, topic: str, count: int = JOURNEYS.partitions
) -> list[tuple[int, bytes, bytes | None]]:
    """Return (partition, key, value) of all records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers, request_timeout_ms=5_000)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(count)]
        end = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[tuple[int, bytes, bytes | None]] = []
        while any([await consumer.position(one) < end[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                found += [(record.partition, record.key, record.value) for record in records]
        return found
    finally:
        await consumer.stop()
