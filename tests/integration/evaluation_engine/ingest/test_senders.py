"""Who sent what is counted once, with clocks that are ahead."""

from __future__ import annotations

from datetime import timedelta

from tests.support.ingest import NOW, SOURCE, Ingest, answer, journey_event


async def test_new_events_are_counted_by_source_and_repeated_ones_are_not(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"), journey_event("step", step="form"))
    await ingest.journeys(journey_event("started"))
    await ingest.answers(answer("a1"))
    rows = await ingest.query("SELECT topic, service_id, source, events, ahead FROM evaluation.sender_day ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("feedback.received", "permit", SOURCE, 1, 0),
        ("telemetry.journeys", "permit", SOURCE, 2, 0),
    ]


async def test_events_from_the_future_are_counted_with_how_far_they_are_ahead(ingest: Ingest) -> None:
    await ingest.journeys(
        journey_event("started", at=NOW + timedelta(minutes=1)),
        journey_event("started", "j2", at=NOW + timedelta(minutes=50)),
        journey_event("started", "j3", at=NOW + timedelta(minutes=20)),
    )
    [row] = await ingest.query("SELECT events, ahead, ahead_ms FROM evaluation.sender_day")
    assert tuple(row) == (3, 2, 50 * 60_000)
