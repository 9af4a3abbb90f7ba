"""SIGTERM under load: what was acknowledged is counted, and what is under way gets its answer."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.driver import Driver, pack, with_duplicates

from .conftest import Ground, tell

STOPPED = ("feedback-api", "metrics-collector", "engine-worker", "evaluation-engine", "kafka", "postgres")
FEEDBACK, EVENTS = 2_000, 3_000


@pytest.mark.requirement("B14")
async def test_a_stop_under_load_loses_nothing_that_was_acknowledged(ground: Ground) -> None:
    traffic = await ground.traffic()
    pieces = with_duplicates(traffic.pieces(FEEDBACK, EVENTS), ground.random)
    driver = ground.driver(pack(pieces, ground.random))
    async with asyncio.TaskGroup() as group:
        group.create_task(driver.run())
        for round_, name in enumerate(STOPPED):
            await stop_under_load(ground, driver, name, (round_ + 1) / (len(STOPPED) + 1))
        driver.allow(1.0)
    counted = ground.counted(traffic)
    await counted.demand_exactly_once(driver.ledger)
    await counted.demand_balance()


async def stop_under_load(ground: Ground, driver: Driver, name: str, share: float) -> None:
    driver.allow(share)
    await driver.reached(share - 0.1)
    begun = time.monotonic()
    assert await ground.stop(name), f"{name} had to be killed"
    tell(f"{name} stopped in {time.monotonic() - begun:.1f} s")
    await ground.start(name)
    tell(f"and is ready again after {time.monotonic() - begun:.1f} s")
