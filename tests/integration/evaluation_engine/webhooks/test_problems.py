"""Problems open and close by themselves at closed quarter hours, and are told to webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from civiloop_shared.contracts.topics import MEASUREMENTS
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.integration.evaluation_engine.webhooks.test_webhooks import KEY, receiver, subscribe, verified
from tests.support.engine import SERVICE, Engine, until

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
WATCHED = SERVICE.replace("evaluation_cycle: monthly", "kpis: [availability]")
TARGET = """
kind: target
id: up
service: parking
kpi: availability
at_least: 99.5
origin: service level agreement
burn_rate: {}
"""


async def up(engine: Engine, start: datetime, *shares: float) -> None:
    """Report quarter hours, as a probe would."""
    connection = await asyncpg.connect(engine.database.evaluation)
    for n, share in enumerate(shares):
        data = {"m.watched-seconds.n": 1, "m.watched-seconds.sum": 900_000, "m.watched-seconds.sumsq": 810_000_000_000}
        seconds = round(900_000 * share)
        data |= {"m.up-seconds.n": 1, "m.up-seconds.sum": seconds, "m.up-seconds.sumsq": seconds**2}
        await connection.execute(
            "INSERT INTO evaluation.aggregate VALUES ($1, 'parking', '', 'quarter', $2, 0, $3, clock_timestamp())",
            *(MEASUREMENTS.name, start + n * QUARTER, json.dumps(data)),
        )
    await connection.close()


async def look(engine: Engine, until_: datetime, *texts: str) -> list[dict[str, Any]]:
    await engine.watermark(until_)
    async with engine.opened(NOW) as desks:
        if texts:
            await apply(desks, *texts)
        await desks.burning.look(await desks.yardsticks.of("local", "parking"))
    rows = await engine.query("SELECT subject, severity, opened_at, closed_at FROM evaluation.problem ORDER BY id")
    return [dict(row) for row in rows]


@pytest.mark.requirement("E5.3.2")
async def test_a_problem_opens_and_closes_by_itself_also_while_nobody_looked(engine: Engine) -> None:
    start = NOW - timedelta(hours=2)
    await up(engine, start, 1, 1, 1, 1, 0.5, 0.5, 1, 1)
    assert await look(engine, start + 4 * QUARTER + timedelta(minutes=14), WATCHED, TARGET) == []
    found = await look(engine, start + 5 * QUARTER)
    assert [(one["subject"], one["severity"], one["closed_at"]) for one in found] == [
        ("up.hour", "page", None),
        ("up.six-hours", "page", None),
        ("up.three-days", "ticket", None),
    ]
    assert {one["opened_at"] for one in found} == {start + 5 * QUARTER}
    found = await look(engine, start + 8 * QUARTER)
    closed = {one["subject"]: one["closed_at"] for one in found}
    assert len(found) == 3
    assert closed == {"up.hour": start + 7 * QUARTER, "up.six-hours": start + 8 * QUARTER, "up.three-days": None}


async def test_a_target_that_is_no_longer_watched_leaves_no_problem_open(engine: Engine) -> None:
    start = NOW - timedelta(hours=2)
    await up(engine, start, 0.5, 0.5)
    assert len(await look(engine, start + 2 * QUARTER, WATCHED, TARGET)) == 3
    found = await look(engine, start + 2 * QUARTER, WATCHED, TARGET.replace("burn_rate: {}\n", ""))
    assert all(one["closed_at"] is not None for one in found)
    assert not await engine.query("SELECT * FROM evaluation.burn_memory")


@pytest.mark.requirement("E5.3.2")
async def test_a_running_engine_shows_problems_and_tells_webhooks(engine: Engine) -> None:
    now = datetime.now(UTC)
    last = datetime.fromtimestamp(now.timestamp() // 900 * 900, UTC)
    await up(engine, last - 2 * QUARTER, 0.2, 0.2)
    async with receiver() as hook, engine.running(webhook_key=KEY, webhooks_to_private=True) as client:
        made = await subscribe(client, hook.url, events=["problem.opened"])
        await client.apply(WATCHED, TARGET)
        await engine.watermark(now)

        async def told() -> bool:
            return len(hook.got) >= 3

        await until(told, 30.0)
        found = await client.get("/v1/services/parking/problems")
    assert {one["subject"] for one in found["problems"]} == {"up.hour", "up.six-hours", "up.three-days"}
    assert "uses its error budget 160" in found["problems"][0]["latest"]["explanation"]
    assert {one["subject"]: one["status"] for one in found["watching"]}["up.hour"] == "firing"
    assert all(verified(made["secret"], headers, payload) for headers, payload in hook.got)
    assert {json.loads(payload)["data"]["severity"] for _, payload in hook.got} == {"page", "ticket"}


async def test_a_burn_rate_that_can_never_fire_is_refused(engine: Engine) -> None:
    files = [{"path": f"{n}.yaml", "text": text} for n, text in enumerate((WATCHED, TARGET.replace("99.5", "90")))]
    async with engine.running() as client:
        answer = await client.call("POST", "/v1/catalogue/apply", {"files": files})
    assert answer.status_code == 422
    assert "can never fire" in answer.text
