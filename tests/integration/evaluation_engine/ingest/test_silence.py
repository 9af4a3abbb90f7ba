"""Journeys that fall silent are abandoned, and resumed ones are not."""

from __future__ import annotations

from datetime import timedelta

from tests.support.ingest import NOW, Ingest, journey_event

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
