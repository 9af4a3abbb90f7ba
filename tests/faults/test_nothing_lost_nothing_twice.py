"""Everything is killed in turn while a client sends; the client's own ledger says what must have been counted."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.support.counted import Counted
from tests.support.driver import Driver, pack, with_duplicates
from tests.support.ledger import Measures

from .conftest import Ground, tell, until

FEEDBACK, EVENTS = 8_000, 12_000
VICTIMS = ("engine-worker", "kafka", "postgres", "feedback-api", "metrics-collector")
LONGEST_S = 240.0
DOWN_S = 1.5
"""How long a killed part stays down, beside its start."""


@pytest.mark.requirement("B14", "B7", "A7", "U3")
async def test_what_was_acknowledged_is_counted_once_whoever_is_killed(ground: Ground) -> None:
    begun = time.monotonic()
    traffic = await ground.traffic()
    pieces = with_duplicates(traffic.pieces(FEEDBACK, EVENTS), ground.random)
    driver = ground.driver(pack(pieces, ground.random))
    counted = ground.counted(traffic)

    async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as group:
        group.create_task(driver.run())
        for round_, victim in enumerate(VICTIMS):
            await kill_under_load(ground, driver, victim, round_)
        driver.allow(1.0)

    ledger = driver.ledger
    assert len(ledger.sent) == FEEDBACK + EVENTS
    tell(
        f"{driver.attempts} requests, {driver.retries} retries, {len(ledger.unknown)} of unknown fate,"
        f" driven in {time.monotonic() - begun:.0f} s"
    )
    assert driver.retries, "no kill hit the client"
    numbers = await counted.demand_exactly_once(ledger)
    await counted.demand_balance()
    for service in traffic.service_ids:
        await demand_scorecard(ground, counted, service, numbers)
    tell(f"{len(numbers)} numbers compared in each grain, {time.monotonic() - begun:.0f} s in all")


async def kill_under_load(ground: Ground, driver: Driver, victim: str, round_: int) -> None:
    """Kill in the middle of a part of the traffic, and start again while the rest of the part is being sent."""
    part = 1 / (len(VICTIMS) + 1)
    driver.allow((round_ + 1) * part)
    await driver.reached((round_ + 0.3) * part)
    await ground.kill(victim)
    taken = driver.taken
    assert taken < (round_ + 1) * part * len(driver.parcels), "the part was over before the kill"
    await asyncio.sleep(DOWN_S)
    await ground.start(victim)


async def demand_scorecard(ground: Ground, counted: Counted, service: str, numbers: Measures) -> None:
    """Reporting shows, over HTTP, what follows from the client's ledger."""

    def total(*names: str) -> int:
        return sum(numbers.get((service, "", name), 0) for name in names)

    ratings = total(*(f"rating.{k}" for k in range(1, 6)))
    wanted = {
        "csat": (total("rating.4", "rating.5"), ratings),
        "task-success": (total("task.yes"), total("task.yes", "task.partly", "task.no")),
        "completion-rate": (total("j.completed"), total("j.started")),
        "first-time-success": (total("j.first_time"), total("j.outcome")),
        "digital-take-up": (total("e.digital"), total("e.completed")),
    }

    async def shown() -> bool:
        results.clear()
        card = await counted.get(ground.platform.addresses.reporting_url, f"/v1/services/{service}/scorecard")
        results.update({one["kpi"]: one for one in card["results"]}, stored_at=card["stored_at"])
        return all(results[kpi]["n"] == n for kpi, (_, n) in wanted.items())

    results: dict[str, Any] = {}
    try:
        await until(shown, 20)
    except AssertionError:
        tell(f"{service}, stored at {results.pop('stored_at')}:")
        tell("\n".join(f"{kpi}: {results[kpi]['n']} shown, {n} expected" for kpi, (_, n) in wanted.items()))
        raise
    for kpi, (part, whole) in wanted.items():
        assert (results[kpi]["numerator"], results[kpi]["denominator"]) == (part, whole), kpi
        assert results[kpi]["value"] == pytest.approx(100 * part / whole), kpi
    promoters, detractors = total("nps.9", "nps.10"), total(*(f"nps.{k}" for k in range(7)))
    answered = total(*(f"nps.{k}" for k in range(11)))
    assert results["nps"]["value"] == pytest.approx(100 * (promoters - detractors) / answered)
