"""The outbox reaches Kafka whole and in order, whatever happens to the broker and to the relay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.relay import OutboxDepth, OutboxRelay, RelayOptions
from civiloop_shared.postgres.engine import create_pool, transaction
from civiloop_shared.postgres.outbox import PostgresOutboxSource, append, outbox_ddl
from tests.integration.civiloop_shared.conftest import Broker
from tests.integration.civiloop_shared.test_producer import read_all
from tests.support.waiting import until

QUICK = RelayOptions(deadline_s=2.0, depth_every_s=0.2)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    pool = await create_pool(database_url)
    await pool.execute(outbox_ddl("feedback"))
    yield pool
    await pool.close()


async def fill(pool: asyncpg.Pool[Any], numbers: range, topic: str = FEEDBACK.name) -> None:
    rows = [(topic, b"k%d" % (number % 5), b"%d" % number, HEADERS) for number in numbers]
    async with transaction(pool) as connection:
        await append(connection, rows, schema="feedback")


async def waiting(pool: asyncpg.Pool[Any]) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM feedback.outbox")
    return count


async def drain(pool: asyncpg.Pool[Any], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while await waiting(pool):
        assert time.monotonic() < deadline, "the outbox was not emptied in time"
        await asyncio.sleep(0.05)


async def test_rows_leave_in_order_and_only_when_kafka_has_them(
    broker: Broker, producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    await fill(pool, range(2_000))
    await fill(pool, range(2_000, 2_100), JOURNEYS.name)
    depths: list[OutboxDepth] = []
    source = PostgresOutboxSource(database_url, "feedback")
    relay = OutboxRelay(source, producer, topic_prefix=prefix, options=QUICK, on_depth=depths.append)
    await relay.start()
    await drain(pool, 20.0)
    found = await read_all(broker, prefix + FEEDBACK.name, FEEDBACK.partitions)
    for key in {key for _, key, _ in found}:
        numbers = [int(value or b"") for _, other, value in found if other == key]
        assert numbers == sorted(numbers)
    assert {int(value or b"") for _, _, value in found} == set(range(2_000))
    assert len(await read_all(broker, prefix + JOURNEYS.name)) == 100
    await until(lambda: bool(depths) and depths[-1] == OutboxDepth(0, None), 3.0)
    assert relay.state.relayed == 2_100
    await relay.stop()


async def test_it_moves_five_thousand_rows_a_second(
    producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    for start in range(0, 20_000, 1_000):
        await fill(pool, range(start, start + 1_000))
    relay = OutboxRelay(PostgresOutboxSource(database_url, "feedback"), producer, topic_prefix=prefix)
    begun = time.monotonic()
    await relay.start()
    await drain(pool, 30.0)
    assert 20_000 / (time.monotonic() - begun) > 5_000
    await relay.stop()


async def test_a_woken_relay_is_quick(
    producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    options = RelayOptions(idle_s=5.0)
    relay = OutboxRelay(PostgresOutboxSource(database_url, "feedback"), producer, topic_prefix=prefix, options=options)
    await relay.start()
    await asyncio.sleep(0.3)
    await fill(pool, range(1))
    relay.wake()
    await drain(pool, 1.0)
    await relay.stop()


@pytest.mark.requirement("B7")
async def test_nothing_is_lost_while_the_broker_is_killed_and_started_again(
    broker: Broker, producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    relay = OutboxRelay(PostgresOutboxSource(database_url, "feedback"), producer, topic_prefix=prefix, options=QUICK)
    await relay.start()
    writing = asyncio.create_task(_write_slowly(pool, 3_000))
    await asyncio.sleep(0.5)
    broker.kill()
    await asyncio.sleep(2.0)
    assert await waiting(pool) > 0
    await asyncio.to_thread(broker.start)
    await writing
    await drain(pool, 40.0)
    await relay.stop()
    found = [int(value or b"") for _, _, value in await read_all(broker, prefix + FEEDBACK.name, FEEDBACK.partitions)]
    assert set(found) == set(range(3_000))


async def test_two_replicas_do_not_reorder_and_one_takes_over_when_the_other_ends(
    broker: Broker, producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    relays = [
        OutboxRelay(PostgresOutboxSource(database_url, "feedback"), producer, topic_prefix=prefix, options=QUICK)
        for _ in range(2)
    ]
    for relay in relays:
        await relay.start()
    writing = asyncio.create_task(_write_slowly(pool, 2_000))
    await until(lambda: any(relay.state.relayed > 200 for relay in relays), 10.0)
    active, idle = sorted(relays, key=lambda relay: -relay.state.relayed)
    assert idle.state.relayed == 0
    await active.stop()
    await writing
    await drain(pool, 20.0)
    assert idle.state.relayed > 0
    await idle.stop()
    found = await read_all(broker, prefix + FEEDBACK.name, FEEDBACK.partitions)
    for key in {key for _, key, _ in found}:
        numbers = list(dict.fromkeys(int(value or b"") for _, other, value in found if other == key))
        assert numbers == sorted(numbers)
    assert {int(value or b"") for _, _, value in found} == set(range(2_000))


async def test_a_relay_whose_database_connection_is_cut_goes_on(
    producer: DurableProducer, prefix: str, pool: asyncpg.Pool[Any], database_url: str
) -> None:
    relay = OutboxRelay(PostgresOutboxSource(database_url, "feedback"), producer, topic_prefix=prefix, options=QUICK)
    await relay.start()
    await fill(pool, range(10))
    await drain(pool, 5.0)
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'outbox %'"
        " AND datname = current_database()"
    )
    await fill(pool, range(10, 20))
    await drain(pool, 10.0)
    assert relay.state.relayed == 20
    await relay.stop()


async def _write_slowly(pool: asyncpg.Pool[Any], count: int) -> None:
    for start in range(0, count, 50):
        await fill(pool, range(start, start + 50))
        await asyncio.sleep(0.02)
