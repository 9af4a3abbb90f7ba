"""Findings: stored with each scheduled evaluation, followed from one to the next, read over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.ports.evaluations import Stored
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
ROUNDED = f"{SERVICE}packs: [core]\nkpis: [mttr]\n"
"""The service with a KPI of each family."""
TARGET = """
kind: target
id: csat-80
service: parking
kpi: csat
at_least: 80
origin: Council decision 12
"""


@pytest.fixture
async def opened(engine: Engine) -> AsyncIterator[Desks]:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, ROUNDED, TARGET)
        await engine.watermark(NOW)
        yield desks


async def look(desks: Desks) -> Sequence[Stored]:
    await desks.yardsticks.refresh()
    return (await desks.scheduler.look(desks.yardsticks.all()["parking"])).created


def found(stored: Stored) -> list[Any]:
    return list(json.loads(stored.record)["findings"])


def paid(abandoned: int) -> dict[str, int]:
    """Twenty journeys of a day that reach the payment, some given up there."""
    return {
        "j.started": 20,
        "j.completed": 20 - abandoned,
        "j.abandoned": abandoned,
        "j.outcome": 20,
        "e.completed": 20 - abandoned,
        "step.pay.reached": 20,
        "step.pay.abandoned": abandoned,
    }


@pytest.mark.requirement("A7")
async def test_a_step_that_got_worse_is_found_recorded_and_followed(engine: Engine, opened: Desks) -> None:
    await engine.count(paid(1), *days(date(2026, 5, 1), 123))
    await engine.count(paid(4), *days(date(2026, 9, 1), 61))
    created = await look(opened)
    assert [any(one["kind"] == "hot_step" for one in found(stored)) for stored in created] == [*[False] * 4, True, True]
    hot = next(one for one in found(created[-1]) if one["kind"] == "hot_step")
    assert hot["numbers"]["abandoned"] == 124
    known = await opened.findings.of("local", "parking", "open", None)
    [same] = [one for one in known if one.newest.kind == "hot_step"]
    assert (same.newest.id, same.status, same.times, same.of_evaluations) == (hot["id"], "recurring", 2, 6)
    assert same.first_start == datetime(2026, 8, 31, 21, tzinfo=UTC)


async def test_a_finding_that_is_gone_is_past_and_one_that_came_back_is_recurring(
    engine: Engine, opened: Desks
) -> None:
    for month, good in ((8, 50), (9, 95), (10, 50)):
        await engine.count({"rating.5": good * 2, "rating.1": (100 - good) * 2}, date(2026, month, 10))
    await look(opened)
    [again] = await opened.findings.of("local", "parking", "all", None)
    assert (again.status, again.times, again.of_evaluations) == ("recurring", 2, 3)
    await engine.count({"rating.5": 2_000}, date(2026, 10, 11))
    await look(opened)
    [past] = await opened.findings.of("local", "parking", "past", None)
    assert (past.times, past.number) == (1, 1)
    assert await opened.findings.of("local", "parking", "open", None) == []


async def test_an_evaluation_on_demand_has_findings_but_does_not_count(engine: Engine, opened: Desks) -> None:
    await engine.count({"rating.5": 100, "rating.1": 100}, date(2026, 10, 10))
    await opened.yardsticks.refresh()
    stored = await opened.scorecards.evaluate("local", "parking", "2026-10-05/2026-10-20")
    assert [one["kind"] for one in found(stored)] == ["target_missed"]
    assert await opened.findings.of("local", "parking", "all", None) == []


async def test_a_family_that_only_a_pack_offers_is_missed_too(engine: Engine, opened: Desks) -> None:
    await apply(opened, SERVICE, TARGET)
    await engine.count({"rating.5": 300}, date(2026, 10, 10))
    await opened.yardsticks.refresh()
    stored = await opened.scorecards.evaluate("local", "parking", "2026-10-05/2026-10-20")
    assert [(one["kind"], one["cause"]) for one in found(stored)] == [("one_sided", "it_performance")]


async def test_the_same_inputs_are_evaluated_once_and_give_the_same_findings(engine: Engine, opened: Desks) -> None:
    await engine.count(paid(1), *days(date(2026, 5, 1), 123))
    await engine.count(paid(4), *days(date(2026, 9, 1), 61))
    once = await opened.scorecards.evaluate("local", "parking", "2026-10")
    again = await opened.scorecards.evaluate("local", "parking", "2026-10")
    assert (once.created, again.created) == (True, False)
    assert once.record == again.record


@pytest.mark.requirement("A8")
async def test_findings_are_read_over_http_by_status_and_kind(engine: Engine) -> None:
    await engine.watermark(NOW)
    async with engine.running() as client:
        await client.apply(ROUNDED, TARGET)
        await engine.count({"rating.5": 100, "rating.1": 100}, date(2026, 10, 10))
        answer = await client.call("POST", "/v1/services/parking/evaluations", {"period": "2026-10"})
        assert answer.status_code in (200, 201)
        [one] = (await client.get("/v1/services/parking/findings"))["findings"]
        assert (one["kind"], one["status"], one["times"]) == ("target_missed", "new", 1)
        assert (await client.call("GET", one["link"])).status_code == 200
        assert (await client.get("/v1/services/parking/findings?kind=hot_step"))["findings"] == []
        assert (await client.get("/v1/services/parking/findings?status=past"))["findings"] == []
        assert (await client.call("GET", "/v1/services/parking/findings?kind=rumour")).status_code == 422
        assert (await client.call("GET", "/v1/services/elsewhere/findings")).status_code == 404
