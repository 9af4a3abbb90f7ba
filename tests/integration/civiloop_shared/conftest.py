"""The session's Kafka and PostgreSQL, whole again after every test that kills or freezes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.topics import ensure_topics
from tests.support.platform import Infra


class Broker:
    """The broker, which a test may break."""

    def __init__(self, infra: Infra) -> None:
        self._infra = infra
        self.bootstrap_servers = infra.bootstrap_servers

    def kill(self) -> None:
        self._infra.kill("kafka")

    def start(self) -> None:
        self._infra.start("kafka")

    def freeze(self) -> None:
        self._infra.suspend("kafka")

    def thaw(self) -> None:
        self._infra.resume("kafka")

    def mend(self) -> None:
        self.thaw()
        self._infra.start("kafka")


@pytest.fixture
def broker(infra: Infra) -> Iterator[Broker]:
    broker = Broker(infra)
    yield broker
    broker.mend()


@pytest.fixture
async def prefix(broker: Broker, topic_prefix: str) -> str:
    """A prefix of the test's own, with all topics under it."""
    await ensure_topics(broker.bootstrap_servers, topic_prefix)
    return topic_prefix


@pytest.fixture
async def producer(broker: Broker) -> AsyncIterator[DurableProducer]:
    producer = DurableProducer(broker.bootstrap_servers)
    await producer.start(wait_s=10.0)
    yield producer
    await producer.stop()


@pytest.fixture
async def database_url(infra: Infra) -> AsyncIterator[str]:
    """An empty database of the test's own, as the superuser."""
    made = await asyncio.to_thread(infra.new_database)
    yield made.admin
    await asyncio.to_thread(infra.drop_database, made.name)
