"""feedback-api in this process, on the session's real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from civiloop_shared.auth import Scope
from civiloop_shared.contracts.envelope import Envelope, decode
from civiloop_shared.contracts.topics import CATALOGUE, FEEDBACK
from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.topics import ensure_topics
from feedback_api.bootstrap import build_app
from feedback_api.settings import Settings
from tests.support.catalogue import key_record, service_record
from tests.support.platform import Infra
from tests.support.processes import run_sync

NOWHERE = "127.0.0.1:9"
SERVICE = "building-permit"


@dataclass(frozen=True)
class World:
    """A database and topics of its own, a catalogue in them and keys to it."""

    infra: Infra
    prefix: str
    feedback_url: str
    admin_url: str
    keys: Mapping[str, str] = field(repr=False)

    def settings(self, **overrides: Any) -> Settings:
        return Settings(
            **{
                "DATABASE_URL": self.feedback_url,
                "KAFKA_BOOTSTRAP_SERVERS": self.infra.bootstrap_servers,
                "topic_prefix": self.prefix,
                "contact_key": "A" * 43,
                "receipt_secret": "r" * 32,
                "limits": {"receipts": {"per_second": 10_000, "burst": 10_000}},
                **overrides,
            }
        )

    async def query(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.admin_url)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def published(self) -> list[Envelope]:
        """All events on the feedback topic, by partition in order, now."""
        return [decode(value) for value in await self.published_bytes()]

    async def published_bytes(self) -> list[bytes]:
        topic = f"{self.prefix}feedback.received"
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.infra.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(sorted(consumer.assignment()))
            values: list[bytes] = []
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values += [record.value for record in records if record.value is not None]
            return values
        finally:
            await consumer.stop()

    async def all_relayed(self, timeout_s: float = 15.0) -> None:
        async with asyncio.timeout(timeout_s):
            while (await self.query("SELECT count(*) FROM feedback.outbox"))[0][0]:
                await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Api:
    """A client of one running app."""

    client: httpx.AsyncClient
    keys: Mapping[str, str]

    async def post(self, path: str, json: Any = None, *, key: str = "writer", **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[key]}", **options.pop("headers", {})}
        return await self.client.post(path, json=json, headers=headers, **options)

    async def submit(self, key: str = "writer", headers: Any = None, **item: Any) -> httpx.Response:
        return await self.post("/v1/feedback", make_item(**item), key=key, headers=dict(headers or {}))

    async def ready(self, missing: Collection[str] = ()) -> None:
        """Wait until exactly this is missing, which is nothing when it is ready."""
        async with asyncio.timeout(20.0):
            while set((await self.client.get("/readyz")).json()["missing"]) != set(missing):
                await asyncio.sleep(0.05)

    async def batch(self, items: list[Any], *, query: str = "", headers: Any = None, **frame: Any) -> httpx.Response:
        return await self.post(f"/v1/feedback/batch{query}", {"items": items, **frame}, headers=dict(headers or {}))

    async def ledger(self) -> list[dict[str, Any]]:
        answer = await self.client.get("/v1/ledger", headers={"Authorization": f"Bearer {self.keys['reader']}"})
        assert answer.status_code == 200
        days: list[dict[str, Any]] = answer.json()
        return days


def make_item(**overrides: Any) -> dict[str, Any]:
    """An answer set that is taken; None leaves a field out."""
    item = {"service": SERVICE, "channel": "web", "rating": 4, **overrides}
    return {name: value for name, value in item.items() if value is not None}


async def make_world(infra: Infra, prefix: str) -> World:
    database = await asyncio.to_thread(infra.new_database, migrated=True)
    await ensure_topics(infra.bootstrap_servers, prefix, topics=[CATALOGUE, FEEDBACK])
    write = frozenset({Scope.FEEDBACK_WRITE})
    records, keys = [], {}
    holders: dict[str, dict[str, Any]] = {
        "writer": {"scopes": write},
        "writer2": {"scopes": write},
        "limited": {"scopes": write, "services": frozenset({"dog-licence"})},
        "reader": {"scopes": frozenset({Scope.READ})},
        "stranger": {"scopes": write, "body": "town"},
    }
    for name, fields in holders.items():
        record, keys[name] = key_record(**fields)
        records.append(record)
    channels = ("web", "app", "phone", "counter")
    records.append(service_record(SERVICE, channels=channels, segments={"age": ("18-25", "26-60")}))
    records.append(service_record("dog-licence", channels=channels))
    producer = DurableProducer(infra.bootstrap_servers)
    await producer.start(wait_s=15.0)
    await producer.send_batch(f"{prefix}catalogue", [(key, value, ()) for key, value in records], deadline_s=10.0)
    await producer.stop()
    return World(infra, prefix, database.feedback, database.admin, keys)


@asynccontextmanager
async def running(app: FastAPI, keys: Mapping[str, str]) -> AsyncIterator[Api]:
    """The app with its lifespan, and a client."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://feedback.test", timeout=30) as client:
            yield Api(client, keys)


@pytest.fixture
def world(infra: Infra, topic_prefix: str) -> Iterator[World]:
    made = run_sync(lambda: make_world(infra, topic_prefix))
    yield made
    infra.drop_database(made.feedback_url.rpartition("/")[2].partition("?")[0])


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with running(build_app(world.settings()), world.keys) as client:
        await client.ready()
        yield client


async def until_ok(request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask again while the answer is 503, as a client does."""
    async with asyncio.timeout(30):
        while (answer := await request()).status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            await asyncio.sleep(0.2)
        return answer
