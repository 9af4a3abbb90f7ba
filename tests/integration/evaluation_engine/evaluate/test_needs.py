"""Packs, own KPIs, needs and the average over services, on the real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from civiloop_shared.errors import ValidationError
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.errors import UnknownKpiError
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.evaluate.series import Asked
from tests.support.engine import Client, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SERVICE = """kind: service
id: parking
title: {en: Parking}
zone: Europe/Athens
channels: [web, counter]
digital_channels: [web]
segments: {age: [young, old]}
steps: [pay]
packs: [govuk, generic]
kpis: [paid-online]
promised_days: 10
"""
OTHER = "kind: service\nid: library\ntitle: {en: Library}\nzone: Europe/Athens\nkpis: [csat]\n"
KPI = """kind: kpi
id: paid-online
title: {en: Paid online}
family: business_performance
outcome: business
aspect: efficiency
nature: quantitative
goal: People pay on the spot.
signal: More of those who reach the payment get through it.
source: Council decision 12
direction: up
measure: {kind: proportion, numerator: step.pay.reached - step.pay.abandoned, denominator: step.pay.reached}
"""


async def apply(desks: Desks, *texts: str) -> None:
    files = tuple(SourceFile(f"{n}.yaml", text) for n, text in enumerate(texts))
    await desks.catalogue.apply(Order("local", files), by="test")


@pytest.fixture
async def opened(engine: Engine) -> AsyncIterator[Desks]:
    async with engine.opened(NOW) as desks:
        await apply(desks, SERVICE, KPI)
        await engine.watermark(NOW)
        yield desks


async def results(desks: Desks, period: str) -> dict[str, Any]:
    card = await desks.scorecards.of("local", "parking", period)
    return {one.kpi: one for one in card.record.results}


@pytest.mark.requirement("A6")
async def test_needs_say_what_arrives_since_when_and_when_last(engine: Engine, opened: Desks) -> None:
    await engine.count({"answers": 2, "rating.5": 2}, date(2026, 3, 5), date(2026, 11, 20))
    await engine.count({"j.started": 5, "step.pay.reached": 5}, date(2026, 8, 31), date(2026, 9, 2))
    found = await opened.needs.of("local", "parking")
    by_kpi = {one.definition.id: one for one in found.kpis}
    [rating] = by_kpi["govuk-user-satisfaction"].needs
    assert (rating.state, rating.since, rating.last) == ("arrives", date(2026, 3, 5), date(2026, 11, 20))
    paid = by_kpi["paid-online"]
    assert (paid.state, paid.computable_from) == ("silent", date(2026, 8, 31))  # nothing for 83 days, 45 are allowed
    assert by_kpi["govuk-completion-rate"].state == "partly"
    assert by_kpi["govuk-completion-rate"].computable_from is None
    assert by_kpi["availability"].state == "not_measured"
    assert [one.definition.id for one in found.kpis][-1] == "paid-online"


@pytest.mark.requirement("A1")
async def test_an_edit_of_an_own_kpi_is_a_new_version_and_recomputes_all_that_is_kept(
    engine: Engine, opened: Desks
) -> None:
    await engine.count({"step.pay.reached": 100, "step.pay.abandoned": 20, "step.pay.errors": 5}, date(2026, 9, 3))
    await engine.count({"step.pay.reached": 200, "step.pay.abandoned": 20}, date(2026, 10, 3))
    first = await opened.scorecards.evaluate("local", "parking", "2026-10")
    assert (await results(opened, "2026-10"))["paid-online"].value == 90.0
    await apply(opened, SERVICE, KPI.replace("step.pay.abandoned", "step.pay.abandoned - step.pay.errors"))
    kept = (await results(opened, "2026-10"))["paid-online"]
    assert (kept.value, kept.definition_version) == (90.0, 1)  # what was evaluated stands, and cites its version
    made = await opened.series.make("local", "parking", Asked("paid-online", first="2026-09-01", last="2026-11-01"))
    assert [(one.value, one.definition_version) for one in made.points] == [(75.0, 2), (90.0, 2)]
    again = await opened.scorecards.evaluate("local", "parking", "2026-10")
    assert (again.number, again.revision) == (first.number, first.revision + 1)
    assert (await results(opened, "2026-10"))["paid-online"].definition_version == 2


async def test_a_condition_is_computed_from_the_cuts_that_are_kept_and_from_the_day_they_begin(
    engine: Engine, opened: Desks
) -> None:
    about = KPI + "where: channel != 'web' and segment.age == 'old'\n"
    step = {"step.pay.reached": 100, "step.pay.abandoned": 20}
    await engine.count({"step.pay.reached": 500, "step.pay.abandoned": 300}, date(2026, 8, 1))
    await engine.count(step, date(2026, 10, 3), cuts=["", "segment.age=old"])
    web, counter = "channel=web|segment.age=old", "channel=counter|segment.age=old"
    await engine.count({"step.pay.reached": 60}, date(2026, 10, 3), cuts=[web])
    await engine.count({"step.pay.reached": 40, "step.pay.abandoned": 20}, date(2026, 10, 3), cuts=[counter])
    await apply(opened, SERVICE, about)
    found = (await results(opened, "2026-10"))["paid-online"]
    assert (found.value, found.numerator, found.n) == (50.0, 20, 40)  # 100 less 60 of the web, of whom none gave up
    made = await opened.series.make(
        "local", "parking", Asked("paid-online", first="2026-10-01", last="2026-11-01", by="channel")
    )
    assert [(one.cut, one.value) for one in made.points if one.n] == [("channel=counter", 50.0)]
    needs = {one.definition.id: one for one in (await opened.needs.of("local", "parking")).kpis}
    assert needs["paid-online"].computable_from == date(2026, 10, 3)
    with pytest.raises(ValidationError):
        await opened.series.make("local", "parking", Asked("paid-online", every="hour"))


@pytest.mark.requirement("A1")
async def test_an_edited_kpi_is_computed_from_its_first_day_also_where_single_facts_are_let_go(
    engine: Engine, opened: Desks
) -> None:
    counts = {"step.pay.reached": 100, "step.pay.abandoned": 20, "step.pay.errors": 5}
    await engine.count(counts, date(2023, 5, 3), date(2026, 10, 3))
    await engine.query(
        "INSERT INTO evaluation.facts_kept (service_id, first_seen, since) VALUES ('parking', $1, $2)",
        *(datetime(2023, 5, 3, tzinfo=UTC), datetime(2024, 10, 1, tzinfo=UTC)),
    )
    edit = KPI.replace("step.pay.abandoned", "step.pay.abandoned - step.pay.errors")
    files = (SourceFile("0.yaml", SERVICE), SourceFile("1.yaml", edit))
    plan = await opened.catalogue.plan(Order("local", files))
    ((_, edited),) = await opened.needs.edited("local", plan.documents, plan.kpis)
    assert edited.computable_from == date(2023, 5, 3)
    await apply(opened, SERVICE, edit)
    made = await opened.series.make("local", "parking", Asked("paid-online", first="2023-05-01", last="2023-06-01"))
    assert [(one.value, one.n) for one in made.points] == [(75.0, 100)]


async def test_windows_of_the_packs_hold_whatever_the_period(engine: Engine, opened: Desks) -> None:
    await engine.count({"e.completed": 100, "e.digital": 80}, date(2026, 10, 31))
    await engine.count({"e.completed": 100, "e.digital": 10}, date(2026, 11, 3))
    await engine.count({"m.cost.n": 1, "m.cost.sum": 100_000}, *days(date(2026, 9, 1), 30), zone="Europe/Athens")
    found = await results(opened, "2026-11-02/2026-11-09")
    take_up = found["govuk-digital-take-up"]
    assert (take_up.value, take_up.period.start) == (80.0, datetime(2026, 9, 30, 21, tzinfo=UTC))
    assert take_up.period.end == datetime(2026, 10, 31, 22, tzinfo=UTC)
    cost = found["govuk-cost-per-transaction"]
    assert (cost.value, cost.n) == (15.0, 200)


@pytest.mark.requirement("B5")
async def test_groups_are_read_for_gaps_and_for_who_answers(engine: Engine, opened: Desks) -> None:
    day = date(2026, 10, 7)
    await engine.count({"j.started": 200, "j.completed": 140, "e.completed": 140, "answers": 60}, day)
    await engine.count({"j.started": 100, "j.completed": 90}, day, cuts=["segment.age=young"])
    await engine.count({"j.started": 100, "j.completed": 50}, day, cuts=["segment.age=old"])
    await engine.count({"e.completed": 70, "answers": 60}, day, cuts=["channel=web"])
    await engine.count({"e.completed": 70}, day, cuts=["channel=counter"])
    found = await results(opened, "2026-10")
    gap, response = found["equity-gap-completion"], found["response-rate"]
    assert (gap.value, gap.details["worst"]["group"]) == (pytest.approx(40.0), "segment.age=old")
    assert (response.n, response.details["representative"]["channel"]["difference"]) == (140, 0.5)
    made = await opened.series.make("local", "parking", Asked("equity-gap-completion", first="2026-10-01"))
    assert made.points[0].value == pytest.approx(40.0)


async def test_an_average_over_services_is_weighted_and_says_of_how_many(engine: Engine) -> None:
    async with engine.opened(NOW) as desks:
        third = OTHER.replace("library", "museum")
        await apply(desks, OTHER, third, OTHER.replace("library", "parking"))
        await engine.watermark(NOW)
        await engine.count({"rating.5": 90, "rating.1": 10}, date(2026, 10, 7), service="library")
        await engine.count({"rating.5": 150, "rating.1": 150}, date(2026, 10, 7), service="parking")
        found = await desks.summaries.of("local", "csat", "2026-10", None)
        assert (found.value.value, found.value.n, found.value.in_words) == (60.0, 400, "2 of 3 services")
        assert found.value.bounds is not None
        only = await desks.summaries.of("local", "csat", "2026-10", {"library"})
        assert (only.value.value, only.value.in_words) == (90.0, "1 of 1 services")
        with pytest.raises(UnknownKpiError):
            await desks.summaries.of("local", "no-such", "2026-10", None)


async def test_needs_kpis_and_summary_over_http(engine: Engine) -> None:
    async with engine.running() as client:
        await _over_http(client)


async def _over_http(client: Client) -> None:
    await client.apply(SERVICE, KPI)
    needs = await client.get("/v1/services/parking/needs")
    assert {one["state"] for one in needs["kpis"]} == {"not_measured"}
    kpis = await client.get("/v1/kpis")
    assert [one["id"] for one in kpis["packs"]] == ["core", "govuk", "jdma", "a11", "gc", "generic"]
    own = kpis["kpis"][-1]
    assert (own["id"], own["pack"], own["version"], own["kind"]) == ("paid-online", "own", 1, "Proportion")
    assert {one["pack"] for one in (await client.get("/v1/kpis?pack=gc"))["kpis"]} == {"gc"}
    summary = await client.get("/v1/summary?kpi=paid-online")
    assert (summary["value"], summary["of"]) == (None, "0 of 1 services")
    assert (await client.call("GET", "/v1/summary?kpi=nope")).status_code == 404
    assert (await client.call("GET", "/v1/services/nowhere/needs")).status_code == 404
