"""One platform with two ingest workers for all fault tests; every test finds it whole and has services of its own."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from civiloop_shared.errors import CiviloopError
from tests.support.counted import Counted
from tests.support.driver import Driver, Parcel
from tests.support.platform import Infra, RunningPlatform, running_infra, running_platform
from tests.support.traffic import Traffic

SECOND_WORKER = "engine-worker-2"
WORKERS = ("engine-worker", SECOND_WORKER)
SESSION_S = 6
BROKEN_PARTS = ("postgres", "kafka")


@dataclass
class Ground:
    """Where a test breaks things: infrastructure, services, and what a client of them needs."""

    infra: Infra
    platform: RunningPlatform
    worker_urls: dict[str, str]
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(10**6))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    @property
    def names(self) -> list[str]:
        return [*BROKEN_PARTS, *self.platform.names]

    def of(self, name: str) -> Infra | RunningPlatform:
        return self.infra if name in BROKEN_PARTS else self.platform

    async def kill(self, name: str) -> None:
        await asyncio.to_thread(self.of(name).kill, name)

    async def start(self, name: str, *, wait: bool = True) -> None:
        await asyncio.to_thread(self.of(name).start, name, wait=wait)

    async def stop(self, name: str) -> bool:
        return await asyncio.to_thread(self.of(name).stop, name)

    async def traffic(self, **options: Any) -> Traffic:
        """Traffic whose services are in force everywhere."""
        made = Traffic(self.seed, **options)
        tell(f"seed {self.seed}, run {made.run}")
        async with self.client(self.platform.addresses.engine_url) as engine:
            answer = await engine.post(
                "/v1/catalogue/apply", json={"files": [{"path": "t.yaml", "text": made.catalogue()}]}
            )
            assert answer.status_code == 200, answer.text
        probe = {**made.journey()[0].document}
        async with self.client(self.platform.addresses.collector_url) as collector:
            await until(lambda: self._known(collector, probe), 20)
        return made

    async def _known(self, collector: httpx.AsyncClient, probe: dict[str, Any]) -> bool:
        return (
            await collector.post("/v1/journeys", params={"dry_run": 1}, json={"events": [probe]})
        ).status_code == 200

    def counted(self, traffic: Traffic) -> Counted:
        return Counted(self.platform, traffic)

    def driver(self, parcels: list[Parcel], **options: Any) -> Driver:
        addresses = self.platform.addresses
        return Driver(addresses.feedback_url, addresses.collector_url, self.platform.admin_key, parcels, **options)

    def client(self, url: str, *, key: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key or self.platform.admin_key}"}
        return httpx.AsyncClient(base_url=url, headers=headers, timeout=10.0, trust_env=False)

    async def metric(self, worker: str, name: str) -> float:
        """The sum of a metric over its labels, as a worker tells it."""
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            lines = (await client.get(f"{self.worker_urls[worker]}/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def make_whole(self) -> None:
        """Thaw and start whatever is not running, and wait until all are ready."""
        for name in self.names:
            self.of(name).resume(name)
        for name in self.names:
            self.of(name).start(name)


def tell(text: str) -> None:
    """Shown when a test fails, and with `-s`."""
    sys.stdout.write(f"{text}\n")


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float) -> float:
    """Wait until it holds and return how long that took. Refused connections count as not yet."""
    begun = time.monotonic()
    while True:
        with suppress(httpx.TransportError, CiviloopError):
            if await condition():
                return time.monotonic() - begun
        assert time.monotonic() - begun < timeout_s, f"it did not come true in {timeout_s:g} s"
        await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def infra() -> Iterator[Infra]:
    """A broker and a database of their own: kills here don't meet the topics and tables of all other tests."""
    with running_infra() as running:
        yield running


@pytest.fixture(scope="session")
def arena(infra: Infra) -> Iterator[Ground]:
    with running_platform(infra, CIVILOOP_SESSION_MS=str(SESSION_S * 1000)) as running:
        second = running.add_worker(SECOND_WORKER)
        yield Ground(infra, running, {"engine-worker": running.wiring.url("engine-worker"), SECOND_WORKER: second})


@pytest.fixture
async def ground(arena: Ground) -> AsyncIterator[Ground]:
    """The platform, whole before the test and after it."""
    await asyncio.to_thread(arena.make_whole)
    try:
        yield arena
    finally:
        await asyncio.to_thread(arena.make_whole)
