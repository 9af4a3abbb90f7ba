"""Promise P6: the same events give the same evaluation to the byte, whatever their order and whoever counts them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from civiloop_cli.runtime.services import topics
from civiloop_shared.contracts.topics import MEASUREMENTS
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from tests.support.counted import Counted
from tests.support.driver import with_duplicates
from tests.support.engine import Engine
from tests.support.ledger import ClientLedger
from tests.support.platform import Infra, RunningPlatform, run_job, temporary_data_dir
from tests.support.straight import Straight, envelope, put_straight, record_of
from tests.support.traffic import BODY, Piece, Traffic

from .conftest import until

SEED = 20_261_124
PARTITIONS = 24
TARGETS = """
---
kind: target
id: {0}-csat
service: {0}
kpi: csat
at_least: 45
origin: a test
---
kind: benchmark
id: {0}-standards
services: [{0}]
title: {{en: Standards}}
source: a test
criteria:
  - id: completion
    kpi: completion-rate
    goal: 70
    critical: true
    redesign: {{breach_below: 60}}
    min_sample: 30
    source: a test
"""


@dataclass(frozen=True)
class Run:
    """One arrangement: so many workers, an order of its own, duplicates of its own."""

    infra: Infra
    traffic: Traffic
    pieces: list[Piece]
    costs: list[Straight]
    workers: int

    async def records(self, now: datetime) -> dict[str, bytes]:
        """Count everything and return the evaluation of every service."""
        async with self._started() as (running, urls):
            engine = Engine(self.infra, running.database, running.prefix)
            async with engine.opened(now) as desks:
                files = (SourceFile("all.yaml", catalogue(self.traffic)),)
                await desks.catalogue.apply(Order(BODY, files), by="test")
                await until(partial(share_partitions, urls), 60)
                await self._put(running)
                await self._demand_counted(running)
                start, end = (now - timedelta(days=8)).date(), (now - timedelta(days=1)).date()
                return {
                    service: (await desks.scorecards.evaluate(BODY, service, f"{start}/{end}")).record
                    for service in self.traffic.service_ids
                }

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[tuple[RunningPlatform, list[str]]]:
        with temporary_data_dir() as data_dir:
            running = await asyncio.to_thread(RunningPlatform, self.infra, data_dir)
            try:
                for job in topics(running.wiring):
                    await asyncio.to_thread(run_job, job)
                yield running, [running.add_worker(f"worker-{n}", wait=False) for n in range(self.workers)]
            finally:
                await asyncio.to_thread(running.stop_all)

    async def _put(self, running: RunningPlatform) -> None:
        rnd = random.Random(self.workers)
        sent = [*map(record_of, with_duplicates(self.pieces, rnd)), *self.costs]
        rnd.shuffle(sent)
        await put_straight(self.infra.bootstrap_servers, running.prefix, sent)

    async def _demand_counted(self, running: RunningPlatform) -> None:
        ledger = ClientLedger()
        ledger.note_sent(self.pieces)
        ledger.note_acknowledged(self.pieces)
        counted = Counted(running, self.traffic)
        await counted.demand_exactly_once(ledger)

        async def all_costs() -> bool:
            rows = await counted.query(
                "SELECT sum(n) FROM evaluation.ledger WHERE topic = $1 AND outcome = 'counted'", MEASUREMENTS.name
            )
            return bool(rows[0][0] == len(self.costs))

        await until(all_costs, 20)


def catalogue(traffic: Traffic) -> str:
    return traffic.catalogue() + "".join(TARGETS.format(service) for service in traffic.service_ids)


def costs(traffic: Traffic) -> list[Straight]:
    """What every service cost on each of nine days, to the cent."""
    found = []
    for n, service in enumerate(traffic.service_ids):
        for day in range(9):
            start = (traffic.now - timedelta(days=day + 1)).replace(hour=0, minute=0, second=0, microsecond=0)
            period = {"period_from": start.isoformat(), "period_to": (start + timedelta(days=1)).isoformat()}
            data: dict[str, Any] = {"service": service, "name": "cost", "kind": "cost", "unit": "EUR", **period}
            data["value"] = f"{1000 + 100 * n + day}.{day}7"
            value = envelope(f"{service}-{day}", "civiloop.measurement.recorded.v1", data, traffic.now)
            found.append(Straight(MEASUREMENTS.name, f"{service}/cost".encode(), value))
    return found


async def share_partitions(urls: list[str]) -> bool:
    """Whether every worker reads some partitions, and all are read."""
    owned = []
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        for url in urls:
            lines = (await client.get(f"{url}/metrics")).text.splitlines()
            owned += [float(line.split()[1]) for line in lines if line.startswith("civiloop_ingest_partitions_owned ")]
    return len(owned) == len(urls) and min(owned) > 0 and sum(owned) == PARTITIONS


@pytest.mark.requirement("B2", "B3", "U3")
async def test_shuffled_events_over_one_two_and_four_workers_give_the_same_evaluation_to_the_byte(
    infra: Infra,
) -> None:
    now = datetime.now(UTC)
    traffic = Traffic(SEED, services=2, now=now)
    pieces, spent = traffic.pieces(1_000, 2_000), costs(traffic)
    runs = [Run(infra, traffic, pieces, spent, workers) for workers in (1, 2, 4)]
    alone, two, four = await asyncio.gather(*(run.records(now) for run in runs))
    for service in traffic.service_ids:
        record = json.loads(alone[service])
        results = {one["kpi"]: one for one in record["results"]}
        assert results["csat"]["n"] > 100
        assert results["cost-per-outcome"]["value"] > 0
        assert record["targets"]
        assert record["benchmarks"]
    assert two == alone
    assert four == alone
