"""Journeys that fall silent are abandoned, and resumed ones are not."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from tests.support.engine import SERVICE, Engine
from tests.support.ingest import NOW, Ingest, Sent, journey_event
from tests.support.ingest_worker import Stream

HOUR = timedelta(hours=1)


async def test_a_silent_journey_is_abandoned_when_its_time_is_over(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", step="form"))
    ingest.now = NOW + 47 * HOUR
    assert await ingest.sweep() == 0

    ingest.now = NOW + 48 * HOUR

    assert await ingest.sweep() == 1
    total = await ingest.total()
    assert (total["j.abandoned"], total["step.form.abandoned"]) == (1, 1)
    assert await ingest.sweep() == 0
    assert (await ingest.audit()).imbalance == 0


async def test_a_journey_that_is_resumed_after_its_silence_is_no_longer_abandoned(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"))
    ingest.now = NOW + 72 * HOUR
    await ingest.sweep()

    await ingest.journeys(journey_event("resumed", at=NOW + 71 * HOUR, recorded=ingest.now))
    await ingest.journeys(journey_event("fulfilled", at=NOW + 72 * HOUR, recorded=ingest.now))

    total = await ingest.total()
    assert "j.abandoned" not in total
    assert (total["j.fulfilled"], total["dur.sum"]) == (1, 72 * 3_600_000)


async def test_a_journey_that_arrives_after_its_time_is_abandoned_at_once(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", at=NOW - 100 * HOUR))

    assert (await ingest.total())["j.abandoned"] == 1
    assert await ingest.sweep() == 0


async def test_an_import_is_silent_as_of_when_it_was_observed(ingest: Ingest) -> None:
    begun = NOW - timedelta(days=400)
    await ingest.journeys(
        journey_event("started", "short", at=begun, observed_until=(begun + 47 * HOUR).isoformat()),
        journey_event("started", "long", at=begun, observed_until=(begun + 48 * HOUR).isoformat()),
    )

    total = await ingest.total()
    assert (total["j.started"], total["j.abandoned"]) == (2, 1)
    assert await ingest.sweep() == 0


async def test_the_silence_limit_is_the_one_that_held_when_the_journey_began(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"))
    await ingest.query(
        "UPDATE evaluation.service SET definition = jsonb_set(definition::jsonb, '{silence_limit_hours}', '1')::json"
    )
    await ingest.book.refresh()
    ingest.now = NOW + 2 * HOUR
    await ingest.journeys(journey_event("started", "j2"))

    ingest.now = NOW + 4 * HOUR
    assert await ingest.sweep() == 0
    total = await ingest.total()
    assert (total["j.started"], total["j.abandoned"]) == (2, 1)


@pytest.mark.requirement("A4")
async def test_a_return_after_silence_revises_the_evaluation_that_counted_it_as_abandoned(stream: Stream) -> None:
    engine = Engine(stream.infra, stream.ingest.database, stream.prefix)
    now = datetime.now(UTC)
    begun = now - 48 * HOUR + timedelta(seconds=5)
    async with engine.opened(now) as desks:
        service = SourceFile("service.yaml", SERVICE + "silence_limit_hours: 48\n")
        await desks.catalogue.apply(Order("local", (service,)), by="test")
        stream.start_worker()
        await stream.send(*(parking("started", k, begun) for k in range(125)))
        await stream.send(*(parking("fulfilled", k, begun + timedelta(seconds=1)) for k in range(120, 125)))
        await abandoned(stream, 120)
        assert await evaluated(desks, begun) == (1, 1, 96.0)

        await stream.send(*(parking("resumed", k, now) for k in range(30)))
        await abandoned(stream, 90)
        assert await evaluated(desks, begun) == (1, 2, 72.0)
        assert await evaluated(desks, begun) == (1, 2, 72.0)


def parking(kind: str, journey: int, at: datetime) -> Sent:
    return journey_event(kind, f"j{journey}", at=at, recorded=at, body="local", service="parking")


async def abandoned(stream: Stream, n: int) -> None:
    """Wait until so many journeys count as abandoned."""
    async with asyncio.timeout(30):
        while (await stream.ingest.total(service="parking")).get("j.abandoned", 0) != n:
            await asyncio.sleep(0.1)


async def evaluated(desks: Desks, begun: datetime) -> tuple[int, int, float | None]:
    """Evaluate the day of an instant and return number, revision and the share that was abandoned."""
    day = begun.astimezone(ZoneInfo("Europe/Athens")).date()
    stored = await desks.scorecards.evaluate("local", "parking", f"{day}/{day + 24 * HOUR}")
    results = {one["kpi"]: one for one in json.loads(stored.record)["results"]}
    return stored.number, stored.revision, results["abandonment-by-step"]["value"]
