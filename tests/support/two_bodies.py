"""Two bodies with a service each on a running platform, keys of every kind, and what they have stored so far."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from civiloop_shared.contracts.topics import INGESTED
from tests.support.platform import RunningPlatform

SERVICE = "road-permit"
"""A service of the installation's own body."""
FOREIGN = "harbour-berth"
"""A service of another body."""
_CATALOGUE = """\
kind: body
id: {body}
title: {{en: A body}}
---
kind: service
id: {service}
title: {{en: A service, el: Μια υπηρεσία}}
zone: Europe/Athens
languages: [en, el]
channels: [web, app, phone, counter]
steps: [identify, submit]
segments: {{age: [18-34, 35-64, 65-plus]}}
"""
_KEYS: dict[str, dict[str, Any]] = {
    "feedback": {"scopes": ["feedback:write"]},
    "telemetry": {"scopes": ["telemetry:write"]},
    "reader": {"scopes": ["read"]},
    "steward": {"scopes": ["steward"]},
    "browser": {"scopes": ["feedback:write"], "kind": "browser"},
    "elsewhere": {"scopes": ["read", "feedback:write", "telemetry:write"], "services": ["other-service"]},
}
_KNOWN_WITHIN_S = 15.0


@dataclass(frozen=True)
class TwoBodies:
    """Sends requests to the services of a platform, with one of the keys by name."""

    platform: RunningPlatform
    keys: Mapping[str, str]
    client: httpx.Client

    def url(self, service: str) -> str:
        """Return the address of a service: feedback, collector, engine, reporting."""
        return str(getattr(self.platform.addresses, f"{service}_url"))

    def call(self, service: str, method: str, path: str, *, key: str = "admin", **options: Any) -> httpx.Response:
        """Send a request; ``key`` is one of ``keys``, "none", or the text of a key."""
        headers = {**({} if key == "none" else {"Authorization": f"Bearer {self.keys.get(key, key)}"})}
        options["headers"] = {**headers, **dict(options.get("headers") or {})}
        return self.client.request(method, self.url(service) + path, **options)


def settle_two_bodies(platform: RunningPlatform, client: httpx.Client) -> TwoBodies:
    """Bring both services into force, make the keys, and wait until every service knows them."""
    keys = {"admin": platform.admin_key}
    bodies = TwoBodies(platform, keys, client)
    keys["foreign"] = _make_key(bodies, scopes=["admin"], body="harbour")
    _apply(bodies, "admin", _CATALOGUE.format(body="local", service=SERVICE))
    _apply(bodies, "foreign", _CATALOGUE.format(body="harbour", service=FOREIGN))
    keys |= {name: _make_key(bodies, **fields) for name, fields in _KEYS.items()}
    keys["revoked"] = _make_key(bodies, scopes=["admin"])
    revoked = bodies.call("engine", "DELETE", f"/v1/keys/{keys['revoked'].split('_')[1]}")
    assert revoked.status_code == 204, revoked.text
    _wait_known(bodies)
    return bodies


def _make_key(bodies: TwoBodies, **fields: Any) -> str:
    answer = bodies.call("engine", "POST", "/v1/keys", json={"label": "a test", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def _apply(bodies: TwoBodies, key: str, text: str) -> None:
    files = {"files": [{"path": "two-bodies.yaml", "text": text}], "keep_missing": True}
    answer = bodies.call("engine", "POST", "/v1/catalogue/apply", key=key, json=files)
    assert answer.status_code == 200, answer.text


def _wait_known(bodies: TwoBodies) -> None:
    """Wait until the newest key is refused for its scope by the collector and reads at both others."""
    deadline = time.monotonic() + _KNOWN_WITHIN_S
    asked = (("collector", "POST", "/v1/journeys", 403), ("feedback", "GET", "/v1/ledger", 200))
    for service, method, path, status in (*asked, ("reporting", "GET", "/v1/services", 200)):
        while (answer := bodies.call(service, method, path, key="reader")).status_code != status:
            assert time.monotonic() < deadline, f"{service} does not hear of the keys: {answer.text}"
            time.sleep(0.1)
    while bodies.call("reporting", "GET", "/v1/services", key="revoked").status_code != 401:
        assert time.monotonic() < deadline, "the revoked key is still good"
        time.sleep(0.1)


_TABLES = (
    "feedback.feedback",
    "feedback.idempotency",
    "evaluation.api_key",
    "evaluation.catalogue_document",
    "evaluation.catalogue_version",
    "evaluation.service",
    "evaluation.dead_letter",
)


class Stored:
    """Counts what a platform was made to keep: rows of intake, catalogue and keys, and records to be evaluated."""

    def __init__(self, platform: RunningPlatform, loop: asyncio.AbstractEventLoop) -> None:
        self._platform = platform
        self._loop = loop

    def run(self, work: Any) -> Any:
        """Run a coroutine on the loop of the connections."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def open(self) -> None:
        """Connect to PostgreSQL and Kafka."""
        self._connection = await asyncpg.connect(self._platform.database.admin)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._platform.infra.bootstrap_servers)
        await self._consumer.start()

    async def close(self) -> None:
        """Give the connections back."""
        await self._connection.close()
        await self._consumer.stop()

    def take(self) -> dict[str, int]:
        """Return the number of rows and records now, by table and topic."""
        counts: dict[str, int] = self.run(self._take())
        return counts

    async def _take(self) -> dict[str, int]:
        selects = ", ".join(f"(SELECT count(*) FROM {name})" for name in _TABLES)
        row = await self._connection.fetchrow(f"SELECT {selects}")
        assert row is not None
        counts: dict[str, int] = dict(zip(_TABLES, row, strict=True))
        partitions = [
            TopicPartition(f"{self._platform.prefix}{topic.name}", number)
            for topic in INGESTED
            for number in range(topic.partitions)
        ]
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            counts[partition.topic] = counts.get(partition.topic, 0) + end
        return counts


@contextmanager
def counted(platform: RunningPlatform) -> Iterator[Stored]:
    """Count what a platform stores, over connections that stay open for the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stored = Stored(platform, loop)
    stored.run(stored.open())
    try:
        yield stored
    finally:
        stored.run(stored.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
