"""Journeys in, against bare aiokafka producing the same bytes; the engine, against bare aiokafka consuming them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.contracts.topics import JOURNEYS
from tests.load.driver import drive, post
from tests.load.events import SERVICE, journey_batches
from tests.load.report import Ratio
from tests.load.stage import Stage

_CONNECTIONS = 4
_ENGINE_S = 900.0
Record = tuple[int, bytes | None, bytes | None]


def measure(stage: Stage, *, rounds: int, batches: int) -> list[Ratio]:
    """Return the ratios of journeys accepted and of events counted. Stops the worker meanwhile and starts it again."""
    stage.platform.stop("engine-worker")
    try:
        accepted, produced, consumed = asyncio.run(_produce(stage, rounds, batches))
        counted = asyncio.run(_count(stage))
    finally:
        stage.platform.start("engine-worker")
    return [
        Ratio("journeys accepted (batches of 1,000) / bare produce", accepted, produced, "events/s", expected=0.5),
        Ratio("engine, exactly once / bare consume", [counted] * len(consumed), consumed, "events/s", expected=0.06),
    ]


def count_once(stage: Stage, *, batches: int, services: Sequence[str]) -> tuple[float, float]:
    """Return events counted a second, and consumed a second by bare aiokafka, of so many batches to the services."""
    stage.platform.stop("engine-worker")
    try:
        asyncio.run(_accept(stage.platform.addresses.collector_url, stage.key, batches, services))
        consumed = asyncio.run(_bare_consume(stage, stage.platform.prefix + JOURNEYS.name))
        return asyncio.run(_count(stage)), consumed
    finally:
        stage.platform.start("engine-worker")


async def _produce(stage: Stage, rounds: int, batches: int) -> tuple[list[float], list[float], list[float]]:
    accepted, produced, consumed = [], [], []
    url, topic = stage.platform.addresses.collector_url, stage.platform.prefix + JOURNEYS.name
    twin = f"{stage.platform.prefix}bench.twin"
    await _make_twin(stage, twin)
    await _accept(url, stage.key, 3)
    for _ in range(rounds):
        before = await _ends(stage, topic)
        accepted.append(await _accept(url, stage.key, batches))
        records = await _read(stage, topic, before)
        assert len(records) == batches * 1_000, "the topic does not hold what was accepted"
        produced.append(await _bare_produce(stage, twin, records))
        consumed.append(await _bare_consume(stage, topic))
    return accepted, produced, consumed


async def _accept(url: str, key: str, batches: int, services: Sequence[str] = (SERVICE,)) -> float:
    bodies = journey_batches(f"run-{secrets.token_hex(4)}", batches, services)
    requests = [post(url, "/v1/journeys", body, key=key) for body in bodies]
    outcome = await drive(url, requests, connections=_CONNECTIONS)
    assert outcome.refused == 0, f"{outcome.refused} refused: {outcome.first_refusal[:400]!r}"
    return outcome.per_second * 1_000


async def _bare_produce(stage: Stage, topic: str, records: Iterable[Record]) -> float:
    """Send the same keys and values, 1,000 at a time as the collector gets them, and wait for every ack."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stage.platform.infra.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=512 * 1024,
        compression_type="zstd",
    )
    await producer.start()
    listed = list(records)
    started = time.perf_counter()
    for at in range(0, len(listed), 1_000 * _CONNECTIONS):
        chunk = listed[at : at + 1_000 * _CONNECTIONS]
        await asyncio.gather(
            *[await producer.send(topic, key=key, value=value, headers=list(HEADERS)) for _, key, value in chunk]
        )
    seconds = time.perf_counter() - started
    await producer.stop()
    return len(listed) / seconds


async def _bare_consume(stage: Stage, topic: str) -> float:
    """Read the whole topic and look at nothing."""
    ends = await _ends(stage, topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stage.platform.infra.bootstrap_servers, group_id=None, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign(list(ends))
    await consumer.seek_to_beginning()
    count, total = 0, sum(ends.values())
    started = time.perf_counter()
    while count < total:
        for records in (await consumer.getmany(timeout_ms=1_000, max_records=5_000)).values():
            count += len(records)
    seconds = time.perf_counter() - started
    await consumer.stop()
    return count / seconds


async def _count(stage: Stage) -> float:
    """Start the worker on the full topic and return how many events it counts a second, from its first to its last."""
    topic = stage.platform.prefix + JOURNEYS.name
    total = sum((await _ends(stage, topic)).values())
    connection = await asyncpg.connect(stage.platform.database.admin)
    before = await _position(connection, topic)
    stage.platform.start("engine-worker", wait=False)
    first_at, first = 0.0, before
    deadline = time.perf_counter() + _ENGINE_S
    try:
        while True:
            now, done = time.perf_counter(), await _position(connection, topic)
            if not first_at and done > before:
                first_at, first = now, done
            if done >= total:
                return (total - first) / (now - first_at)
            assert now < deadline, f"the engine stands at {done} of {total}"
            await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def wait_counted(stage: Stage) -> None:
    """Wait until the engine has counted all journey events."""
    topic = stage.platform.prefix + JOURNEYS.name
    total = sum((await _ends(stage, topic)).values())
    connection = await asyncpg.connect(stage.platform.database.admin)
    deadline = time.perf_counter() + _ENGINE_S
    try:
        while (done := await _position(connection, topic)) < total:
            assert time.perf_counter() < deadline, f"the engine stands at {done} of {total}"
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _position(connection: asyncpg.Connection, topic: str) -> int:
    found = await connection.fetchval(
        "SELECT coalesce(sum(next_offset - first_offset), 0)::bigint FROM evaluation.sink_position"
        " WHERE topic IN ($1, $2)",
        topic,
        JOURNEYS.name,
    )
    return int(found)


async def _ends(stage: Stage, topic: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stage.platform.infra.bootstrap_servers)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(JOURNEYS.partitions)]
        return dict(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


async def _read(stage: Stage, topic: str, begin: dict[TopicPartition, int]) -> list[Record]:
    ends = await _ends(stage, topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stage.platform.infra.bootstrap_servers, group_id=None, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign(list(ends))
    for partition, offset in begin.items():
        consumer.seek(partition, offset)
    wanted = sum(ends.values()) - sum(begin.values())
    found: list[Record] = []
    while len(found) < wanted:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            found += [(record.offset, record.key, record.value) for record in records]
    await consumer.stop()
    return found


async def _make_twin(stage: Stage, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=stage.platform.infra.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=JOURNEYS.partitions, replication_factor=1)])
    finally:
        await admin.close()
