"""The health card on the real database: what it says follows from what was counted and evaluated."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.engine import SERVICE, Engine, until

TARGET = "kind: target\nid: csat-80\nservice: parking\nkpi: csat\nat_least: 80\norigin: Council decision 12\n"
GOAL = "kind: goal\nid: easy\nservice: parking\noutcome: citizen\nstatement: {en: Easy}\nkpis: [csat]\n"


def answers(found: dict[str, Any]) -> dict[str, str]:
    return {one["aim"]: one["answer"] for one in found["aims"]}


@pytest.mark.requirement("A20")
@pytest.mark.requirement("B6")
@pytest.mark.requirement("C4")
async def test_the_card_of_a_service_fills_as_its_periods_are_evaluated(engine: Engine) -> None:
    year = datetime.now(UTC).year if datetime.now(UTC).month > 10 else datetime.now(UTC).year - 1
    async with engine.running() as client:
        await client.apply(SERVICE, TARGET, GOAL)
        empty = await client.get("/v1/services/parking/health")
        assert (empty["evaluation"], answers(empty)["health"]) == (None, "not_evidenced")
        for month in (5, 6, 7, 8):
            await engine.count({"answers": 400, "rating.5": 380, "rating.1": 20}, date(year, month, 10))
        await engine.watermark(datetime(year, 9, 1, tzinfo=UTC))

        async def evaluated() -> bool:
            card = await client.get("/v1/services/parking/health")
            return bool(card["evaluation"] and card["evaluation"]["number"] == 4)

        await until(evaluated)
        found = await client.get("/v1/services/parking/health")
        assert {name: answers(found)[name] for name in ("needs", "maturity", "acceptance")} == {
            "needs": "yes",
            "maturity": "yes",
            "acceptance": "yes",
        }
        satisfied = next(one for one in found["flavours"] if one["family"] == "customer_satisfaction")
        assert (satisfied["with_value"] > 0, satisfied["targets"]["met"]) == (True, 1)
        assert {one["step"]: one["answer"] for one in found["steps"]}["process"] == "yes"

        for one in (*found["aims"], *found["steps"]):
            if one["query"]:
                await client.get(one["query"])  # where an answer says that it can be read, there is something to read

        await engine.watermark(datetime(year, 10, 1, 0, 1, tzinfo=UTC))
        await until(lambda: _number(client, 5))
        later = await client.get("/v1/services/parking/health")
        assert answers(later)["acceptance"] == "not_evidenced", "a month without answers is no month that people accept"


async def _number(client: Any, number: int) -> bool:
    card = await client.get("/v1/services/parking/health")
    return bool(card["evaluation"]["number"] == number)
