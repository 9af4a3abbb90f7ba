"""A rebuild gives what was there, to the byte, and mends what was wrong."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.adapters.rebuild_store import PostgresRebuildStore
from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.service.rebuild import RebuildAggregates, Rebuilt
from tests.support.ingest import BODY, NOW, Ingest, Sent, answer, erasure, journey_event

HOUR = timedelta(hours=1)
KINDS = ("step", "error", "help_sought", "waiting_for_citizen", "completed", "fulfilled", "refused", "abandoned")


def traffic(seed: int = 1, journeys: int = 40) -> list[tuple[str, int, Sent]]:
    """Topic, partition and event of journeys and answers over half a year, in two services and both zones."""
    dice = random.Random(seed)
    sent: list[tuple[str, int, Sent]] = []
    for n in range(journeys):
        begun = NOW - timedelta(hours=dice.randrange(180 * 24))
        service = dice.choice(["permit", "tax"])
        common: dict[str, Any] = {
            "service": service,
            "language": dice.choice(["en", "el", "fa"]),
            "segments": {"age": "65+"},
        }
        for k in range(dice.randrange(1, 5)):
            kind = "started" if k == 0 else dice.choice(KINDS)
            at = begun + k * dice.randrange(1, 90) * HOUR
            one = journey_event(kind, f"j{n}", at=min(at, NOW), channel=dice.choice(["web", "phone"]), **common)
            sent.append((JOURNEYS.name, n % 3, one))
        sent.append((FEEDBACK.name, n % 2, answer(f"a{n}", at=begun, service=service, rating=dice.randrange(1, 6))))
        if n % 5 == 0:
            sent.append((FEEDBACK.name, n % 2, erasure(f"a{n}")))
    return sent


async def rebuild(ingest: Ingest, service: str = "permit") -> Rebuilt:
    use_case = RebuildAggregates(PostgresRebuildStore(ingest.pool), ingest.extract, ingest.now_ms)
    return await use_case.rebuild(BODY, service, date(2026, 4, 1), date(2026, 12, 1))


async def fill(ingest: Ingest) -> None:
    """Count traffic of half a year; the later half waits to be gathered."""
    sent = traffic()
    for number, (topic, partition, one) in enumerate(sent):
        if number == len(sent) // 2:
            await ingest.gather()
        await ingest.feed(topic, one, partition=partition)
    for partition in range(3):
        await ingest.sweep(partition)


@pytest.mark.requirement("B14")
async def test_a_rebuild_of_right_aggregates_changes_nothing(ingest: Ingest) -> None:
    await fill(ingest)
    before = await ingest.cells()

    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert [one.changed for one in done] == [0, 0]
    assert min(one.cells for one in done) > 100
    assert await ingest.cells() == before
    assert await ingest.gather() > 10, "what waits to be gathered still does"
    assert await ingest.cells() == before
    await ingest.journeys(journey_event("started", "after"))


async def test_a_rebuild_from_nothing_gives_the_same_bytes(ingest: Ingest) -> None:
    await fill(ingest)
    before = [row for row in await ingest.raw_cells() if row[-1] != "{}"]
    await ingest.journeys(journey_event("started", "waits"))
    await ingest.query("DELETE FROM evaluation.aggregate")

    await rebuild(ingest, "permit")
    await rebuild(ingest, "tax")

    await ingest.query("DELETE FROM evaluation.change")
    assert await ingest.raw_cells() == before


async def test_a_rebuild_mends_wrong_missing_and_surplus_cells(ingest: Ingest) -> None:
    await fill(ingest)
    before = await ingest.cells()
    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}' WHERE cut = 'channel=web'""")
    await ingest.query("DELETE FROM evaluation.aggregate WHERE cut = 'language=en'")
    await ingest.query(
        "INSERT INTO evaluation.aggregate SELECT topic, service_id, 'language=xx', grain, bucket_start,"
        " data, changed_at FROM evaluation.aggregate WHERE cut = ''"
    )

    done = [await rebuild(ingest, service) for service in ("permit", "tax")]

    assert min(one.changed for one in done) > 10
    assert await ingest.cells() == before


async def test_a_worker_goes_on_beside_a_rebuild(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started", "j1"))
    await ingest.gather()
    await ingest.query("""UPDATE evaluation.aggregate SET data = '{"j.started":99}'""")
    await ingest.journeys(journey_event("started", "j2"))
    await rebuild(ingest)
    await ingest.journeys(journey_event("started", "j3"))

    assert (await ingest.total())["j.started"] == 3
    await ingest.gather()
    assert (await ingest.total())["j.started"] == 3


async def test_a_fact_that_was_counted_by_an_older_definition_stays_as_it_was(ingest: Ingest) -> None:
    await fill(ingest)
    before = await ingest.raw_cells()
    await ingest.query(
        "UPDATE evaluation.service SET definition = jsonb_set(definition::jsonb, '{zone}', '\"Asia/Tehran\"')::json"
    )

    assert (await rebuild(ingest)).changed == 0
    assert await ingest.raw_cells() == before


async def test_services_of_others_are_not_rebuilt(ingest: Ingest) -> None:
    with pytest.raises(UnknownServiceError):
        await rebuild(ingest, "nothing")
    with pytest.raises(UnknownServiceError):
        await RebuildAggregates(PostgresRebuildStore(ingest.pool), ingest.extract, ingest.now_ms).rebuild(
            "village", "permit", date(2026, 4, 1), date(2026, 5, 1)
        )
