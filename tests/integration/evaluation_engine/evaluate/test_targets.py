"""Targets with trend and review: beside the verdict, and never inside a stored evaluation."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tests.support.engine import SERVICE, Client, Engine, until

TARGET = """
kind: target
id: csat-80
service: parking
kpi: csat
at_least: 80
origin: Council decision 12
review_by: 2026-01-31
"""
FALLING = {5: 95, 6: 92, 7: 89, 8: 86, 9: 83, 10: 82}


async def test_a_met_target_that_heads_for_its_threshold_is_at_risk_and_one_past_its_review_is_stale(
    engine: Engine,
) -> None:
    year = datetime.now(UTC).year if datetime.now(UTC).month > 10 else datetime.now(UTC).year - 1
    for month, good in FALLING.items():
        await engine.count({"rating.5": good * 5, "rating.1": 500 - good * 5}, date(year, month, 10))
    async with engine.running() as client:
        await client.apply(SERVICE, TARGET.replace("2026-01-31", f"{year}-06-15"))
        await engine.watermark(datetime(year, 11, 1, tzinfo=UTC))
        await until(lambda: _evaluated(engine, 6))

        async def live() -> bool:
            card = await client.get("/v1/services/parking/scorecard?period=live")
            return bool(card["targets"][0]["at_risk"])

        await until(live)
        (target,) = (await client.get("/v1/services/parking/targets"))["targets"]
        stored = await client.get("/v1/services/parking/evaluations")
        await until(lambda: _exposes(client, 'civiloop_target_at_risk{service="parking",target="csat-80"} 1.0'))
    assert (target["at_risk"], target["review_overdue"], target["origin"]) == (True, True, "Council decision 12")
    assert target["course"]["periods"] == 6
    assert "getting worse" in target["trend"]
    assert all(one["targets"][0]["at_risk"] is None for one in stored["evaluations"])


async def test_of_a_kpi_of_months_the_trend_is_one_of_months_however_often_a_service_is_evaluated(
    engine: Engine,
) -> None:
    year = datetime.now(UTC).year - 1
    for month, good in FALLING.items():
        await engine.count(
            {"e.completed": 100, "e.digital": good}, *(date(year, month, day) for day in (4, 11, 18, 25))
        )
    weekly = SERVICE.replace("evaluation_cycle: monthly", "evaluation_cycle: weekly\npacks: [govuk]")
    async with engine.running() as client:
        await client.apply(weekly, TARGET.replace("csat\n", "govuk-digital-take-up\n"))
        await engine.watermark(datetime(year, 11, 12, tzinfo=UTC))
        await until(lambda: _evaluated(engine, 26), 60.0)

        async def settled() -> bool:
            (target,) = (await client.get("/v1/services/parking/targets"))["targets"]
            return bool(target["course"]) and target["course"]["periods"] == 6

        await until(settled, 30.0)
        (target,) = (await client.get("/v1/services/parking/targets"))["targets"]
    assert (target["at_risk"], target["course"]["periods"]) == (True, 6)
    assert "getting worse" in target["trend"]


async def _evaluated(engine: Engine, number: int) -> bool:
    rows = await engine.query("SELECT max(number) AS n FROM evaluation.evaluation")
    return bool((rows[0]["n"] or 0) >= number)


async def _exposes(client: Client, line: str) -> bool:
    return line in (await client.http.get("/metrics")).text
