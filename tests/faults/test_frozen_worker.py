"""A worker that was stopped past its session wakes up, and its late commits are refused."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from tests.support.driver import Driver, pack

from .conftest import SECOND_WORKER, SESSION_S, WORKERS, Ground, tell, until

EVENTS = 30_000
FENCED, RECORDS, OWNED = (f"civiloop_ingest_{name}" for name in ("fenced_total", "records_total", "partitions_owned"))
TAKE_OVER_S = 75
"""Session, rebalance, and until PostgreSQL ends the transactions that the stopped one holds open."""


FENCED_S = 10
TRIES = 5
"""Where in its work a worker is stopped can't be chosen: it may have been done, or PostgreSQL ended what it held."""


@pytest.mark.requirement("B14", "U3")
async def test_the_late_commit_of_a_worker_stopped_past_its_session_is_refused(ground: Ground) -> None:
    for number in range(1, TRIES + 1):
        tell(f"try {number}")
        if await was_refused_after_a_stop(ground):
            assert '"fenced"' in ground.platform.log(SECOND_WORKER)
            return
    pytest.fail(f"in {TRIES} tries the stopped worker had no commit left to make")


async def was_refused_after_a_stop(ground: Ground) -> bool:
    """Stop a worker past its session and let it go on. Everything must count once; say whether a commit was refused."""
    traffic = await ground.traffic()
    counted = ground.counted(traffic)
    await until(lambda: both_own_partitions(ground), TAKE_OVER_S)
    refused = await ground.metric(SECOND_WORKER, FENCED)
    parcels = pack(traffic.pieces(0, EVENTS), ground.random, hasty=0.0, sizes=(500, 500))
    driver = ground.driver(parcels, impatient=0.0)

    await stop_amid_work(ground, driver)
    assert len(driver.ledger.acknowledged) == EVENTS

    # The other one takes over all partitions and counts everything, as if this one were dead.
    begun = time.monotonic()
    await counted.demand_exactly_once(driver.ledger, TAKE_OVER_S)
    took_s = time.monotonic() - begun
    tell(f"taken over in {took_s:.0f} s")

    ground.platform.resume(SECOND_WORKER)
    fenced = False
    if took_s > SESSION_S / 2:  # else it was stopped with its work done
        with suppress(AssertionError):
            await until(lambda: was_fenced(ground, refused), FENCED_S)
            fenced = True
    await until(lambda: both_own_partitions(ground), TAKE_OVER_S)
    await counted.demand_exactly_once(driver.ledger)
    await counted.demand_balance()
    return fenced


async def stop_amid_work(ground: Ground, driver: Driver) -> None:
    """Let a backlog grow while both workers stand still; let them go, and stop one as soon as it counts."""
    before = await ground.metric(SECOND_WORKER, RECORDS)
    for worker in WORKERS:
        ground.platform.suspend(worker)
    begun = time.monotonic()
    await driver.run()
    assert time.monotonic() - begun < SESSION_S, "this machine is too slow for so many events"
    for worker in WORKERS:
        ground.platform.resume(worker)

    async def counts() -> bool:
        return await ground.metric(SECOND_WORKER, RECORDS) > before

    await until(counts, 30)
    ground.platform.suspend(SECOND_WORKER)


async def both_own_partitions(ground: Ground) -> bool:
    owned = [await ground.metric(worker, OWNED) for worker in WORKERS]
    return min(owned) > 0 and sum(owned) == 24


async def was_fenced(ground: Ground, before: float) -> bool:
    return await ground.metric(SECOND_WORKER, FENCED) > before
