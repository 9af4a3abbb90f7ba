"""The evaluation engine's `serve` part in this process, and aggregates made by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from civiloop_shared.auth.keys import NewKey, new_key
from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.contracts.topics import EVALUATIONS, FEEDBACK, INGESTED, JOURNEYS, MEASUREMENTS
from civiloop_shared.kafka.topics import ensure_topics
from civiloop_shared.postgres.engine import create_pool
from evaluation_engine.bootstrap.serve import Desks, build_app, desks
from evaluation_engine.domain.buckets import calendar
from evaluation_engine.settings import EngineSettings
from tests.support.platform import Database, Infra

SERVICE = """
kind: body
id: local
title: {en: Municipality}
---
kind: service
id: parking
title: {en: Parking permit, el: Άδεια στάθμευσης}
zone: Europe/Athens
languages: [en, el]
channels: [web, phone]
digital_channels: [web]
steps: [apply, pay]
segments: {age: [18-64, 65+]}
evaluation_cycle: monthly
"""
TOPIC_OF = {"rating": FEEDBACK, "nps": FEEDBACK, "task": FEEDBACK, "answers": FEEDBACK, "m": MEASUREMENTS}


@dataclass
class Engine:
    """A database and topics of its own, the first admin key, and the ways to reach the engine.

    The topics are made when they are first needed: many tests ask the use cases only.
    """

    infra: Infra
    database: Database
    prefix: str
    first: NewKey = field(default_factory=new_key)
    has_topics: bool = False

    def settings(self, **overrides: Any) -> EngineSettings:
        return EngineSettings(
            **{
                "DATABASE_URL": self.database.evaluation,
                "KAFKA_BOOTSTRAP_SERVERS": self.infra.bootstrap_servers,
                "topic_prefix": self.prefix,
                "bootstrap_key": f"{self.first.id}:{self.first.secret_sha256}",
                "settle_s": 0.2,
                "poll_s": 0.1,
                "revision_pause_s": 0,
                **overrides,
            }
        )

    @asynccontextmanager
    async def running(self, **overrides: Any) -> AsyncIterator[Client]:
        """API, relay and evaluator."""
        await self.make_topics()
        app = build_app(self.settings(**overrides))
        async with app.router.lifespan_context(app) as state:

            async def stated(scope: Any, receive: Any, send: Any) -> None:
                scope["state"] = dict(state or {})
                await app(scope, receive, send)

            transport = httpx.ASGITransport(app=stated)
            async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=30.0) as client:
                yield Client(client, self.first.text)

    @asynccontextmanager
    async def opened(self, now: datetime, **overrides: Any) -> AsyncIterator[Desks]:
        """The use cases alone, at a time that stands still."""
        pool = await create_pool(self.database.evaluation)
        try:
            yield desks(pool, KeyRing(), self.settings(**overrides), clock=lambda: now)
        finally:
            await pool.close()

    async def query(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.evaluation)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def watermark(self, until: datetime) -> None:
        """Say that everything up to then is counted."""
        rows = [(topic.name, n, until) for topic in INGESTED for n in range(topic.partitions)]
        connection = await asyncpg.connect(self.database.evaluation)
        await connection.executemany(
            "INSERT INTO evaluation.sink_position (topic, partition, topic_id, epoch, first_offset, next_offset,"
            " caught_up_at) VALUES ($1, $2, gen_random_uuid(), 1, 0, 0, $3)"
            " ON CONFLICT (topic, partition) DO UPDATE SET caught_up_at = excluded.caught_up_at",
            rows,
        )
        await connection.close()

    async def count(
        self,
        measures: Mapping[str, int],
        *days: date,
        cuts: Iterable[str] = ("",),
        service: str = "parking",
        zone: str = "Europe/Athens",
        waiting: bool = False,
    ) -> None:
        """Add measures to the aggregates of days, as a worker would that gathers at once; or as changes that wait."""
        in_zone = calendar(zone)
        by_topic: dict[str, dict[str, int]] = {}
        for name, amount in measures.items():
            topic = TOPIC_OF.get(name.partition(".")[0], JOURNEYS)
            by_topic.setdefault(topic.name, {})[name] = amount
        connection = await asyncpg.connect(self.database.evaluation)
        async with connection.transaction():
            for topic_name, part in by_topic.items():
                for day in days:
                    start_ms = in_zone.start_of(day)
                    if waiting:
                        change = {"cuts": [list(cuts)], "shares": [[0, start_ms, None, part]]}
                        await connection.execute(_CHANGE, topic_name, service, json.dumps(change))
                    else:
                        for cut in cuts:
                            await _add(connection, part, (topic_name, service, cut, "day", _at(start_ms)))
        await connection.close()

    async def topic(self, name: str) -> dict[bytes, list[bytes | None]]:
        """All values on a topic now, by key, oldest first."""
        await self.make_topics()
        found: dict[bytes, list[bytes | None]] = {}
        consumer = AIOKafkaConsumer(
            self.prefix + name, bootstrap_servers=self.infra.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(sorted(consumer.assignment()))
            while any([await consumer.position(one) < end for one, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        found.setdefault(record.key, []).append(record.value)
        finally:
            await consumer.stop()
        return found

    async def evaluations(self) -> list[dict[str, Any]]:
        """All published evaluations, by number and revision."""
        found = [
            json.loads(value)["data"]
            for values in (await self.topic(EVALUATIONS.name)).values()
            for value in values
            if value is not None
        ]
        return sorted(found, key=lambda one: (one["service"], one["number"], one["revision"]))

    async def make_topics(self) -> None:
        """Make the topics unless they are there."""
        if not self.has_topics:
            await ensure_topics(self.infra.bootstrap_servers, self.prefix)
            self.has_topics = True

    async def relayed(self) -> None:
        """Wait until nothing waits for Kafka."""
        await until(self._nothing_waits)

    async def _nothing_waits(self) -> bool:
        return not (await self.query("SELECT count(*) AS n FROM evaluation.outbox"))[0]["n"]


@dataclass(frozen=True)
class Client:
    """A client of one running engine."""

    http: httpx.AsyncClient
    admin: str

    async def call(self, method: str, path: str, json: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.admin}"}
        return await self.http.request(method, path, json=json, headers=headers)

    async def get(self, path: str, *, key: str | None = None) -> Any:
        answer = await self.call("GET", path, key=key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def apply(self, *texts: str, **options: Any) -> Any:
        files = [{"path": f"{n}.yaml", "text": text} for n, text in enumerate(texts)]
        answer = await self.call("POST", "/v1/catalogue/apply", {"files": files, **options})
        assert answer.status_code == 200, answer.text
        return answer.json()


async def make_engine(infra: Infra, prefix: str, *, topics: bool = True) -> Engine:
    engine = Engine(infra, await asyncio.to_thread(infra.new_database, migrated=True), prefix)
    if topics:
        await engine.make_topics()
    return engine


async def until(holds: Callable[[], Any], timeout_s: float = 15.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(0.05)


def days(first: date, number: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(number)]


_CHANGE = "INSERT INTO evaluation.change (topic, service_id, partition, data) VALUES ($1, $2, 0, $3)"


async def _add(connection: asyncpg.Connection, part: Mapping[str, int], key: tuple[Any, ...]) -> None:
    where = "topic = $1 AND service_id = $2 AND cut = $3 AND grain = $4 AND bucket_start = $5"
    old = await connection.fetchval(f"SELECT data::text FROM evaluation.aggregate WHERE {where}", *key)
    total = json.loads(old or "{}")
    for name, amount in part.items():
        total[name] = total.get(name, 0) + amount
    await connection.execute(
        "INSERT INTO evaluation.aggregate VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())"
        " ON CONFLICT (topic, service_id, cut, grain, bucket_start)"
        " DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at",
        *key,
        json.dumps({name: amount for name, amount in total.items() if amount}, sort_keys=True),
    )


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
