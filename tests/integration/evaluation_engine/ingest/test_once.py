"""Every event counts once, whatever comes twice, late or in another order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.ingest import NOW, Ingest, answer, journey_event, measurement

pytestmark = pytest.mark.requirement("B14")

HOUR = timedelta(hours=1)


async def test_a_journey_is_counted_from_its_events(ingest: Ingest) -> None:
    begun = NOW - timedelta(days=3)
    outcomes = await ingest.journeys(
        journey_event("started", at=begun, step="form"),
        journey_event("fulfilled", at=begun + 30 * HOUR, channel="phone"),
    )

    total = await ingest.total()
    assert outcomes == {"counted": 2}
    assert (total["j.started"], total["j.fulfilled"], total["dur.sum"]) == (1, 1, 30 * 3_600_000)
    assert (await ingest.total("channel=web"))["j.started"] == 1
    assert (await ingest.total("channel=phone"))["e.fulfilled"] == 1
    assert (await ingest.audit()).imbalance == 0


async def test_the_same_event_twice_in_a_batch_is_a_duplicate(ingest: Ingest) -> None:
    started = journey_event("started")

    assert await ingest.journeys(started, started) == {"counted": 1, "duplicate": 1}
    assert (await ingest.total())["j.started"] == 1


async def test_the_same_event_in_the_next_batch_is_a_duplicate(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"))

    assert await ingest.journeys(journey_event("started")) == {"duplicate": 1}
    assert (await ingest.total())["j.started"] == 1


@pytest.mark.parametrize("days", [1, 13, 14])
async def test_the_same_event_days_later_is_a_duplicate(ingest: Ingest, days: int) -> None:
    await ingest.answers(answer("a"))
    await ingest.measurements(measurement("rent", 5, event_id="m"))
    await ingest.pass_days(days)

    assert await ingest.answers(answer("a")) == {"duplicate": 1}
    assert await ingest.measurements(measurement("rent", 5, event_id="m")) == {"duplicate": 1}
    assert (await ingest.total())["answers"] == 1


async def test_an_imported_event_is_a_duplicate_for_as_long_as_its_fact_is_kept(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"), journey_event("fulfilled", at=NOW + HOUR))
    await ingest.answers(answer("a"))
    await ingest.pass_days(200)
    assert await ingest.query("SELECT FROM evaluation.seen_event") == []

    again = await ingest.journeys(journey_event("started"), journey_event("fulfilled", at=NOW + HOUR))

    assert again == {"duplicate": 2}
    assert await ingest.answers(answer("a")) == {"duplicate": 1}
    assert (await ingest.total())["j.started"] == 1


async def test_the_same_event_on_another_partition_is_a_duplicate(ingest: Ingest) -> None:
    """As after a change of the number of partitions."""
    await ingest.feed("telemetry.journeys", journey_event("started"), partition=1)

    assert await ingest.feed("telemetry.journeys", journey_event("started"), partition=5) == {"duplicate": 1}


async def test_a_journey_that_moved_to_another_partition_goes_on(ingest: Ingest) -> None:
    await ingest.feed("telemetry.journeys", journey_event("started"), partition=1)
    await ingest.feed("telemetry.journeys", journey_event("fulfilled", at=NOW + HOUR), partition=5)

    total = await ingest.total()
    assert (total["j.started"], total["j.fulfilled"], total["dur.sum"]) == (1, 1, 3_600_000)


async def test_an_id_used_again_for_something_else_is_set_aside(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", event_id="x"))

    elsewhere = await ingest.journeys(journey_event("started", "j2", event_id="x"))
    await ingest.pass_days(2)
    later = await ingest.journeys(journey_event("started", "j3", event_id="x"))

    assert elsewhere == later == {"dead_lettered": 1}
    assert await ingest.journeys(journey_event("started", event_id="x")) == {"duplicate": 1}
    assert await ingest.letters() == [("dead_lettered", "id_reused")] * 2
    assert (await ingest.total())["j.started"] == 1
    assert (await ingest.audit()).imbalance == 0


async def test_an_id_used_again_in_one_batch_or_after_the_window_is_set_aside(ingest: Ingest) -> None:
    same_batch = await ingest.journeys(journey_event("started", event_id="x"), journey_event("error", event_id="x"))
    await ingest.pass_days(30)
    later = await ingest.journeys(journey_event("error", event_id="x"))

    assert same_batch == {"counted": 1, "dead_lettered": 1}
    assert later == {"dead_lettered": 1}


async def test_events_before_the_start_wait_for_it(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("fulfilled", at=NOW))
    assert await ingest.total() == {}

    await ingest.journeys(journey_event("started", at=NOW - HOUR))

    total = await ingest.total()
    assert (total["j.started"], total["j.fulfilled"], total["dur.sum"]) == (1, 1, 3_600_000)


async def test_a_late_event_moves_the_contribution(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", at=NOW), journey_event("refused", at=NOW + HOUR))
    assert (await ingest.total())["j.refused"] == 1

    await ingest.journeys(journey_event("started", at=NOW - 24 * HOUR), journey_event("fulfilled", at=NOW + 2 * HOUR))

    total = await ingest.total(grain="day")
    assert "j.refused" not in total
    assert (total["j.started"], total["dur.sum"]) == (1, 26 * 3_600_000)


async def test_an_earlier_start_of_another_service_changes_the_owner(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", at=NOW))
    await ingest.journeys(journey_event("started", at=NOW - HOUR, service="tax"))

    assert await ingest.total() == {}
    assert (await ingest.total(service="tax"))["j.started"] == 1


async def test_an_end_before_the_start_is_a_fault_of_the_journey_and_not_of_the_record(ingest: Ingest) -> None:
    outcomes = await ingest.journeys(journey_event("started", at=NOW), journey_event("fulfilled", at=NOW - HOUR))

    total = await ingest.total()
    assert outcomes == {"counted": 2}
    assert (total["j.fault"], total.get("dur.n")) == (1, None)


async def test_days_are_those_of_the_service(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", at=NOW.replace(hour=23)))
    await ingest.gather()
    rows = await ingest.query(
        "SELECT DISTINCT grain, bucket_start FROM evaluation.aggregate WHERE cut = '' ORDER BY grain"
    )

    starts = {row["grain"]: row["bucket_start"].isoformat() for row in rows}
    assert starts == {
        "day": "2026-11-24T22:00:00+00:00",
        "quarter": "2026-11-24T23:00:00+00:00",
    }
