"""Evaluations: closed periods in order, numbered, revised by late data, the same from the same inputs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.ports.evaluations import Stored
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
TARGETS = """
kind: target
id: csat-80
service: parking
kpi: csat
at_least: 80
origin: Council decision 12
---
kind: target
id: csat-web
service: parking
kpi: csat
at_least: 60
confidence: 0.9
scope: {channel: web}
origin: Council decision 12
---
kind: benchmark
id: rebuild
services: [parking]
title: {en: When to rebuild}
source: our own
approved_by: The council
approved_on: 2026-01-01
criteria:
  - id: sat
    kpi: csat
    critical: true
    goal: 80
    redesign: {breach_below: 70, clear_when: 75}
    for: 1
    source: our own
"""


@pytest.fixture
async def opened(engine: Engine) -> AsyncIterator[Desks]:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, SERVICE, TARGETS)
        await engine.watermark(NOW)
        yield desks


async def look(desks: Desks) -> Sequence[Stored]:
    await desks.yardsticks.refresh()
    return (await desks.scheduler.look(desks.yardsticks.all()["parking"])).created


def record(stored: Stored) -> Any:
    return json.loads(stored.record)


async def rate(engine: Engine, month: int, *, good: int, bad: int) -> None:
    await engine.count({"rating.5": good, "rating.1": bad}, date(2026, month, 10), cuts=("", "channel=web"))


@pytest.mark.requirement("A4")
async def test_closed_months_are_evaluated_in_order_and_numbered(engine: Engine, opened: Desks) -> None:
    for month in (11, 8, 10, 9):
        await rate(engine, month, good=170, bad=30)
    created = await look(opened)
    assert [(one.number, one.revision) for one in created] == [(1, 1), (2, 1), (3, 1)]
    first = record(created[0])
    assert first["period"] == {"start": "2026-07-31T21:00:00Z", "end": "2026-08-31T21:00:00Z", "zone": "Europe/Athens"}
    assert (first["closed"], first["as_of"], first["catalogue_version"]) == (True, "2026-08-31T21:00:00Z", 1)
    assert await look(opened) == ()
    rows = await engine.query("SELECT number, newest, closed FROM reporting_v1.evaluation ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, True, True), (2, True, True), (3, True, True)]


@pytest.mark.requirement("A1")
async def test_targets_and_cuts_are_judged_with_their_evidence(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=180, bad=20)
    await engine.count({"rating.5": 60, "rating.1": 40}, date(2026, 10, 11), cuts=("", "channel=phone", "language=el"))
    found = record((await look(opened))[0])
    targets = {one["target"]: one for one in found["targets"]}
    assert targets["csat-80"]["verdict"] == "too_close_to_call"
    assert targets["csat-80"]["result"]["value"] == 80.0
    assert targets["csat-web"]["verdict"] == "met"
    assert targets["csat-web"]["result"]["interval"]["level"] == 0.9
    cuts = {(one["kpi"], one["cut"]): one for one in found["cuts"]}
    assert set(cuts) == {("csat", "channel=web"), ("csat", "channel=phone"), ("csat", "language=el")}
    assert cuts["csat", "channel=phone"]["value"] == 60.0
    csat = next(one for one in found["results"] if one["kpi"] == "csat")
    assert csat["channels_reporting"] == ["web", "phone"]
    assert {one["kpi"] for one in found["results"]} >= {"csat", "nps", "completion-rate", "mtcf-median"}


@pytest.mark.requirement("E5.3.4")
async def test_a_benchmark_goes_from_month_to_month(engine: Engine, opened: Desks) -> None:
    for month, good in ((5, 170), (6, 138), (7, 136), (8, 144), (9, 150), (10, 170)):
        await rate(engine, month, good=good, bad=200 - good)
    created = [record(one)["benchmarks"][0] for one in await look(opened)]
    assert [one["states"]["sat.redesign"]["status"] for one in created] == [
        "ok",
        "pending",
        "firing",
        "firing",
        "ok",
        "ok",
    ]
    assert [one["verdict"] for one in created] == ["keep", "improve", "redesign", "redesign", "improve", "keep"]
    assert created[2]["states"]["sat.redesign"]["before"] == "pending"
    assert created[2]["states"]["sat.redesign"]["rule_version"] == 1
    assert not created[0]["draft"]


async def test_late_data_makes_a_numbered_revision_and_moves_what_follows_from_it(
    engine: Engine, opened: Desks
) -> None:
    for month, good in ((7, 170), (8, 150), (9, 130), (10, 130)):
        await rate(engine, month, good=good, bad=200 - good)
    before = await look(opened)
    assert [record(one)["benchmarks"][0]["verdict"] for one in before] == ["keep", "improve", "improve", "redesign"]
    await engine.count({"rating.1": 200}, date(2026, 8, 20), cuts=("", "channel=web"))
    after = [(one.number, one.revision, record(one)) for one in await look(opened)]
    assert [(number, revision) for number, revision, _ in after] == [(2, 2), (3, 2), (4, 2)]
    august, september, october = (one[2] for one in after)
    assert "csat: 75.000 % (n = 200) → 37.500 % (n = 400)" in august["changed"]
    assert september["changed"] == ["benchmark rebuild: improve → redesign"]
    assert october["changed"] == []
    assert await look(opened) == ()
    stored = await engine.query("SELECT number, revision, newest FROM evaluation.evaluation ORDER BY 1, 2")
    assert [tuple(row) for row in stored if row["number"] == 2] == [(2, 1, False), (2, 2, True)]


async def test_a_change_that_changes_nothing_makes_no_revision(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=170, bad=30)
    await look(opened)
    await engine.query("UPDATE evaluation.aggregate SET changed_at = clock_timestamp()")
    assert await look(opened) == ()


async def test_every_revision_is_published_with_it(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=170, bad=30)
    await look(opened)
    await rate(engine, 10, good=0, bad=10)
    await look(opened)
    async with engine.running():
        await engine.relayed()
    published = await engine.evaluations()
    assert [(one["number"], one["revision"]) for one in published] == [(1, 1), (1, 2)]
    stored = await engine.query("SELECT record::text FROM evaluation.evaluation ORDER BY revision")
    assert published == [json.loads(row["record"]) for row in stored]


async def test_a_month_is_closed_when_every_partition_has_passed_its_end(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=170, bad=30)
    end = datetime(2026, 10, 31, 22, tzinfo=UTC)
    await engine.query(
        "UPDATE evaluation.sink_position SET caught_up_at = NULL, last_record_at = $1"
        " WHERE topic = 'telemetry.journeys' AND partition = 7",
        end - timedelta(seconds=1),
    )
    assert await look(opened) == ()
    await engine.query("UPDATE evaluation.sink_position SET last_record_at = $1 WHERE caught_up_at IS NULL", end)
    assert len(await look(opened)) == 1
    await rate(engine, 9, good=170, bad=30)
    await engine.query("DELETE FROM evaluation.sink_position WHERE partition = 3")
    assert await look(opened) == ()


async def test_inputs_that_still_move_are_waited_for(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=60) as desks:
        await apply(desks, SERVICE)
        await engine.watermark(NOW)
        await rate(engine, 10, good=170, bad=30)
        await desks.yardsticks.refresh()
        waited = await desks.scheduler.look(desks.yardsticks.all()["parking"])
        assert (waited.created, waited.waiting) == ((), True)
        await engine.query("UPDATE evaluation.aggregate SET changed_at = changed_at - interval '61 seconds'")
        assert len((await desks.scheduler.look(desks.yardsticks.all()["parking"])).created) == 1


async def test_a_trickle_of_late_data_makes_ever_fewer_revisions(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=0, revision_pause_s=600) as desks:
        await apply(desks, SERVICE)
        await engine.watermark(NOW)
        await rate(engine, 10, good=170, bad=30)
        assert [(one.number, one.revision) for one in await look(desks)] == [(1, 1)]
        await rate(engine, 10, good=0, bad=1)
        assert await look(desks) == ()
        passed = "UPDATE evaluation.evaluation SET created_at = created_at - interval '{} s' WHERE number = 1"
        await engine.query(passed.format(601))
        assert [(one.number, one.revision) for one in await look(desks)] == [(1, 2)]
        await rate(engine, 10, good=0, bad=1)
        await engine.query(passed.format(601))
        assert await look(desks) == ()
        await engine.query(passed.format(600))
        assert [(one.number, one.revision) for one in await look(desks)] == [(1, 3)]


async def test_silence_is_evaluated_for_a_while_and_then_goes_without_saying(engine: Engine, opened: Desks) -> None:
    await rate(engine, 3, good=170, bad=30)
    created = [record(one) for one in await look(opened)]
    assert [one["period"]["start"][:7] for one in created] == ["2026-02", "2026-03", "2026-04", "2026-05"]
    csat = [next(one for one in found["results"] if one["kpi"] == "csat")["state"] for found in created]
    assert csat == ["ok", "no_data", "no_data", "no_data"]


async def test_the_past_is_evaluated_up_to_a_bound(engine: Engine) -> None:
    daily = SERVICE.replace("evaluation_cycle: monthly", "evaluation_cycle: daily")
    async with engine.opened(NOW, settle_s=0, backfill_periods=5) as desks:
        await apply(desks, daily)
        await engine.watermark(NOW)
        await engine.count({"rating.5": 100}, *days(date(2026, 10, 1), 54))
        created = [record(one)["period"]["start"] for one in await look(desks)]
    assert created == [f"2026-11-{day}T22:00:00Z" for day in (18, 19, 20, 21, 22)]


async def test_weeks_begin_on_monday_and_days_have_23_or_25_hours(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=0) as desks:
        for cycle, first in (("weekly", "2026-10-18T21:00:00Z"), ("daily", "2026-10-24T21:00:00Z")):
            await apply(desks, SERVICE.replace("evaluation_cycle: monthly", f"evaluation_cycle: {cycle}"))
            await engine.watermark(datetime(2026, 10, 25, 22, tzinfo=UTC))
            await engine.count({"rating.5": 100}, date(2026, 10, 25))
            created = [record(one)["period"] for one in await look(desks)]
            assert [one["start"] for one in created] == [first]
            assert created[0]["end"] == "2026-10-25T22:00:00Z"


@pytest.mark.requirement("B2")
async def test_the_same_inputs_give_the_same_bytes_wherever_they_lie(engine: Engine, opened: Desks) -> None:
    huge = {"e.fulfilled": 9, "e.dur.n": 9, "e.dur.sum": 9 * 10**12, "e.dur.sumsq": 9 * 10**24, "e.dur.9": 9}
    parts = [{"rating.5": 100, "nps.9": 3}, {"rating.1": 50}, {"rating.5": 7, "e.completed": 12}, huge]
    for number, part in enumerate(parts):
        await engine.count(part, date(2026, 10, 5 + number), cuts=("", "channel=web"), waiting=number % 2 > 0)
    one = (await look(opened))[0]
    await engine.query("DELETE FROM evaluation.evaluation")
    await engine.query("TRUNCATE evaluation.aggregate, evaluation.change")
    for number, part in reversed(list(enumerate(parts))):
        for name, amount in part.items():
            spread = {name: amount - 1}, {name: 1}
            for more, share in enumerate(spread):
                await engine.count(share, date(2026, 10, 5 + number), cuts=("channel=web", ""), waiting=more > 0)
    async with engine.opened(NOW + timedelta(days=3), settle_s=0) as later:
        other = (await look(later))[0]
    assert other.record == one.record


async def test_a_period_can_be_evaluated_on_demand(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=170, bad=30)
    await rate(engine, 11, good=170, bad=30)
    scorecards = opened.scorecards
    now = await scorecards.evaluate("local", "parking", None)
    again = await scorecards.evaluate("local", "parking", None)
    assert (now.number, now.revision, now.created) == (1, 1, True)
    assert (again.number, again.revision, again.created) == (1, 1, False)
    assert record(now)["closed"] is False
    october = await scorecards.evaluate("local", "parking", "2026-10")
    assert (october.number, record(october)["closed"]) == (2, True)
    assert await look(opened) == ()
    part = await scorecards.evaluate("local", "parking", "2026-10-05/2026-10-12")
    assert (part.number, part.created) == (3, True)
    listed = await scorecards.evaluations("local", "parking", limit=2, before=None, all_revisions=False)
    assert [one.number for one in listed] == [3, 2]
    rest = await scorecards.evaluations("local", "parking", limit=2, before=2, all_revisions=False)
    assert [one.number for one in rest] == [1]
    newest = await scorecards.newest("local", "parking")
    assert newest.record.number == 2


async def test_reporting_may_read_the_views_and_nothing_else(engine: Engine, opened: Desks) -> None:
    await rate(engine, 10, good=170, bad=30)
    await look(opened)
    await opened.live.refresh(opened.yardsticks.all()["parking"])
    connection = await asyncpg.connect(engine.database.reporting)
    try:
        assert len(await connection.fetch("SELECT * FROM reporting_v1.evaluation")) == 1
        assert len(await connection.fetch("SELECT * FROM reporting_v1.live_status")) == 1
        service = await connection.fetchrow("SELECT * FROM reporting_v1.service")
        assert service is not None
        assert (service["id"], service["body_id"], service["retired"]) == ("parking", "local", False)
        assert json.loads(service["title"])["el"] == "Άδεια στάθμευσης"
        assert json.loads(service["body_title"]) == {"en": "Municipality"}
        for table in ("evaluation.api_key", "evaluation.evaluation", "evaluation.outbox"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE reporting_v1.mine (id int)")
        rights = "SELECT has_table_privilege('reporting_v1.evaluation', 'INSERT, UPDATE, DELETE, TRUNCATE')"
        assert await connection.fetchval(rights) is False
    finally:
        await connection.close()
