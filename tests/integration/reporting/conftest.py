"""reporting in this process, on the session's real Kafka and PostgreSQL, with what the engine has stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from civiloop_shared.auth import Scope
from civiloop_shared.kafka.producer import DurableProducer
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from reporting.bootstrap import bootstrap
from reporting.settings import ReportingSettings
from tests.support.catalogue import key_record
from tests.support.engine import Engine, days, make_engine
from tests.support.platform import Infra
from tests.support.processes import run_sync

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"
FORMULA = "=HYPERLINK(0)"
CITY = """
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
steps: [apply, pay]
---
kind: service
id: dogs
title: {en: "=HYPERLINK(0)", el: Σκύλοι}
zone: Europe/Athens
languages: [en, el]
channels: [web]
---
kind: service
id: quiet
title: {en: Nothing evaluated yet}
languages: [en]
channels: [web]
---
kind: benchmark
id: enough
title: {en: Enough}
services: [parking]
source: a council's decision
approved_by: council
approved_on: 2026-01-02
criteria:
  - {id: satisfied, kpi: csat, source: charter, goal: 90, redesign: {breach_below: 50, clear_when: 55}}
redesign_when: {rule: any}
---
kind: target
id: nearly-all
service: parking
kpi: csat
at_least: 95
origin: charter
"""
TOWN = CITY.split("---")[0].replace("local", "town") + "---" + CITY.split("---")[1].replace("parking", "harbour")


@dataclass(frozen=True)
class World:
    """A database of its own in which the engine has stored results, and keys to it."""

    engine: Engine
    keys: Mapping[str, str] = field(repr=False)

    def settings(self, **overrides: Any) -> ReportingSettings:
        return ReportingSettings(
            **{
                "DATABASE_URL": self.engine.database.reporting,
                "KAFKA_BOOTSTRAP_SERVERS": self.engine.infra.bootstrap_servers,
                "topic_prefix": self.engine.prefix,
                "engine_url": NOWHERE,
                **overrides,
            }
        )


@dataclass(frozen=True)
class Api:
    """A client of reporting, which can't reach the engine."""

    client: httpx.AsyncClient
    keys: Mapping[str, str]

    async def get(self, path: str, *, key: str = "reader", **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {self.keys[key]}", **headers})


async def make_world(infra: Infra, prefix: str) -> World:
    engine = await make_engine(infra, prefix)
    async with engine.opened(NOW) as desks:
        await apply(desks, "local", CITY)
        await apply(desks, "town", TOWN)
        await engine.watermark(NOW)
        await count(engine)
        for period in ("2026-10", "2026-08", "2026-09", "2026", "2026-10-05/2026-10-12"):
            await desks.scorecards.evaluate("local", "parking", period)
        await desks.scorecards.evaluate("town", "harbour", "2026-10")
        await engine.count({"rating.5": 1, "answers": 1}, date(2026, 10, 2))
        await desks.scorecards.evaluate("local", "parking", "2026-10")
        await desks.scorecards.of("local", "parking", "live")
    return World(engine, await publish_keys(engine))


async def apply(desks: Desks, body: str, text: str) -> None:
    await desks.catalogue.apply(Order(body, (SourceFile("all.yaml", text),)), by="test")


async def count(engine: Engine) -> None:
    """Answers of three months: many by web, nine by phone in October."""
    for month, ratings in ((8, 3), (9, 4), (10, 5)):
        everybody = {"answers": 4, "rating.5": ratings - 2, "rating.1": 6 - ratings}
        await engine.count(everybody, *days(date(2026, month, 1), 30), cuts=("", "channel=web"))
    phone = {"answers": 9, "rating.5": 4, "rating.1": 5}
    await engine.count(phone, date(2026, 10, 3), cuts=("", "channel=phone"))
    await engine.count(phone, date(2026, 10, 3), service="harbour", cuts=("", "channel=web"))


async def publish_keys(engine: Engine) -> dict[str, str]:
    read = frozenset({Scope.READ})
    holders: dict[str, dict[str, Any]] = {
        "reader": {"scopes": read, "body": "local"},
        "of dogs": {"scopes": read, "body": "local", "services": frozenset({"dogs"})},
        "of town": {"scopes": read, "body": "town"},
    }
    made = {name: key_record(**fields) for name, fields in holders.items()}
    producer = DurableProducer(engine.infra.bootstrap_servers)
    await producer.start(wait_s=15.0)
    records = [(key, value, ()) for (key, value), _ in made.values()]
    await producer.send_batch(f"{engine.prefix}catalogue", records, deadline_s=10.0)
    await producer.stop()
    return {name: text for name, (_, text) in made.items()}


@asynccontextmanager
async def running(world: World, **overrides: Any) -> AsyncIterator[Api]:
    async with bootstrap(world.settings(**overrides)) as app, app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://reporting.test", timeout=30) as client:
            yield Api(client, world.keys)


@pytest.fixture(scope="module")
def world(infra: Infra) -> Iterator[World]:
    made = run_sync(lambda: make_world(infra, f"r{NOW:%d}{id(infra):x}."))
    yield made
    infra.drop_database(made.engine.database.name)


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with running(world) as client:
        yield client
