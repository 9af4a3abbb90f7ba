"""Old facts go, and nothing else: numbers, books and what counts once stay as they were."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.adapters.rebuild_store import PostgresRebuildStore
from evaluation_engine.adapters.retention import PostgresRetention
from evaluation_engine.errors import FactsGoneError
from evaluation_engine.service.rebuild import RebuildAggregates
from evaluation_engine.service.retention import LetFactsGo
from tests.support.ingest import BODY, NOW, Ingest, answer, erasure, journey_event

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = datetime(2028, 12, 20, 12, tzinfo=UTC)
"""25 months before lies November 2026, which is kept; October is not."""
OCTOBER = datetime(2026, 10, 10, 12, tzinfo=UTC)
LAST_OF_OCTOBER = datetime(2026, 10, 31, 20, tzinfo=UTC)


@dataclass
class Chore:
    """The chore, run when a test says so."""

    ingest: Ingest
    gone: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        await LetFactsGo(PostgresRetention(self.ingest.pool), self.ingest.now_ms, self._told).run()
        await self.ingest.book.refresh()

    async def until(self, then: datetime) -> None:
        """Services are seen now; at that time the mark moves, and after it has been read facts go."""
        await self.run()
        self.ingest.now = then
        await self.run()
        self.ingest.now += 2 * HOUR
        await self.run()

    def _told(self, topic: str, n: int) -> None:
        self.gone[topic] = self.gone.get(topic, 0) + n


@pytest.fixture
def chore(ingest: Ingest) -> Chore:
    return Chore(ingest)


async def fill(ingest: Ingest) -> None:
    """Journeys and answers in October and November."""
    for at, name in ((OCTOBER, "old"), (NOW, "new")):
        for n in range(5):
            await ingest.journeys(
                journey_event("started", f"{name}{n}", at=at - 3 * HOUR),
                journey_event("fulfilled", f"{name}{n}", at=at - HOUR),
            )
            await ingest.answers(answer(f"{name}{n}", at=at, comment="too slow", quarantined=n == 4))
    await ingest.answers(erasure("old0"), erasure("never-received"))


async def facts(ingest: Ingest) -> tuple[int, int]:
    rows = await ingest.query(
        "SELECT (SELECT count(*) FROM evaluation.journey), (SELECT count(*) FROM evaluation.answer)"
    )
    return rows[0][0], rows[0][1]


async def feedback_days(ingest: Ingest) -> Any:
    return sorted(
        (one.day, one.counted, one.quarantined, one.dead_lettered, one.erased)
        for one in (await ingest.audit()).ledger.feedback
    )


async def test_facts_go_after_their_months_and_all_numbers_and_books_stay(ingest: Ingest, chore: Chore) -> None:
    await fill(ingest)
    numbers, days = await ingest.cells(), await feedback_days(ingest)

    await chore.until(LATER)

    assert chore.gone == {JOURNEYS.name: 5, FEEDBACK.name: 4}
    assert await facts(ingest) == (5, 7)
    assert await ingest.cells() == numbers
    assert (await ingest.audit()).imbalance == 0
    assert await feedback_days(ingest) == days
    kept = await ingest.query("SELECT content::text FROM evaluation.answer WHERE occurred_at < $1", LAST_OF_OCTOBER)
    assert kept == [], "comments go with their answers"


async def test_what_is_left_of_an_erased_answer_goes_once_nobody_can_be_known_by_it(
    ingest: Ingest, chore: Chore
) -> None:
    await fill(ingest)
    await ingest.query("UPDATE evaluation.answer SET nameless = true, changed_at = $1 WHERE state = 'erased'", NOW)
    days = await feedback_days(ingest)

    await chore.until(LATER + 40 * DAY)

    assert await facts(ingest) == (0, 0)
    assert (await ingest.audit()).imbalance == 0
    assert await feedback_days(ingest) == days


async def test_a_file_imported_again_after_its_facts_are_gone_changes_no_number_and_is_told(
    ingest: Ingest, chore: Chore
) -> None:
    old = [
        journey_event(kind, "j", at=at, observed_until=NOW.isoformat())
        for kind, at in (("started", OCTOBER), ("fulfilled", OCTOBER + HOUR))
    ]
    await ingest.journeys(*old)
    await ingest.answers(answer("a", at=OCTOBER))
    await chore.until(LATER)
    assert await facts(ingest) == (0, 0)
    await ingest.pass_days(1)
    before = await ingest.cells()

    assert await ingest.journeys(*old) == {"data_fault": 2}
    assert await ingest.answers(answer("a", at=OCTOBER)) == {"data_fault": 1}

    assert await ingest.cells() == before
    assert await ingest.letters() == [("data_fault", "before_retention")] * 3
    assert (await ingest.audit()).imbalance == 0


async def test_history_of_any_age_is_taken_while_a_service_is_new(ingest: Ingest, chore: Chore) -> None:
    await chore.run()
    await ingest.pass_days(34)
    await chore.run()

    outcomes = await ingest.journeys(journey_event("started", "ancient", at=datetime(2009, 1, 1, tzinfo=UTC)))

    assert outcomes == {"counted": 1}
    await ingest.sweep()
    await ingest.pass_days(2)
    await chore.run()
    assert await ingest.journeys(journey_event("started", "again", at=datetime(2009, 1, 1, tzinfo=UTC))) == {
        "data_fault": 1
    }


async def test_facts_wait_until_every_worker_refuses_what_lies_before_them(ingest: Ingest, chore: Chore) -> None:
    await fill(ingest)
    await chore.run()
    ingest.now = LATER

    await chore.run()
    assert await facts(ingest) == (10, 11), "the mark has only just moved"
    ingest.now += timedelta(minutes=59)
    await chore.run()
    assert await facts(ingest) == (10, 11)
    ingest.now += timedelta(minutes=2)
    await chore.run()
    assert await facts(ingest) == (5, 7)


async def test_a_service_that_keeps_its_facts_longer_later_does_not_take_old_events_again(
    ingest: Ingest, chore: Chore
) -> None:
    await fill(ingest)
    await chore.until(LATER)
    await ingest.query(
        "UPDATE evaluation.service SET definition = jsonb_set(definition::jsonb, '{keep_facts_months}', '120')::json"
    )
    await chore.run()
    await ingest.keep_up()

    assert await ingest.journeys(journey_event("started", "old0", at=OCTOBER)) == {"data_fault": 1}


async def test_a_service_keeps_its_facts_for_as_long_as_its_catalogue_says(ingest: Ingest, chore: Chore) -> None:
    await ingest.query(
        "UPDATE evaluation.service SET definition = jsonb_set(definition::jsonb, '{keep_facts_months}', '60')::json"
        " WHERE id = 'tax'"
    )
    for service in ("permit", "tax"):
        await ingest.answers(answer(service, at=OCTOBER, service=service))

    await chore.until(LATER)

    rows = await ingest.query("SELECT DISTINCT service_id FROM evaluation.answer")
    assert [row[0] for row in rows] == ["tax"]


async def test_a_journey_stays_while_one_of_its_events_could_still_come_again(ingest: Ingest, chore: Chore) -> None:
    """The service that it passed through keeps facts longer: its event would be taken, and counted twice."""
    await ingest.query(
        "UPDATE evaluation.service SET definition = jsonb_set(definition::jsonb, '{keep_facts_months}', '60')::json"
        " WHERE id = 'tax'"
    )
    passing = journey_event("step", "j", at=OCTOBER + HOUR, service="tax", step="form")
    await ingest.journeys(
        journey_event("started", "j", at=OCTOBER), passing, journey_event("fulfilled", "j", at=OCTOBER + 2 * HOUR)
    )
    await ingest.journeys(journey_event("started", "late", at=LAST_OF_OCTOBER))
    await ingest.journeys(journey_event("fulfilled", "late", at=LAST_OF_OCTOBER + 5 * HOUR))

    await chore.until(LATER)
    await ingest.keep_up()

    assert await facts(ingest) == (2, 0), "one passed through another service, one ended in a month that is kept"
    assert await ingest.journeys(passing) == {"duplicate": 1}


async def test_a_journey_that_still_waits_for_its_silence_stays(ingest: Ingest, chore: Chore) -> None:
    await ingest.journeys(journey_event("started", "open", at=NOW))
    await chore.until(LATER + 60 * DAY)
    assert await facts(ingest) == (1, 0)

    await ingest.sweep()
    await chore.run()

    assert await facts(ingest) == (0, 0)
    assert (await ingest.total())["j.abandoned"] == 1


async def test_events_of_journeys_without_a_start_go_too(ingest: Ingest, chore: Chore) -> None:
    await ingest.journeys(journey_event("fulfilled", "headless", at=OCTOBER))

    await chore.until(LATER)

    assert await facts(ingest) == (0, 0)
    assert (await ingest.audit()).imbalance == 0


async def test_a_rebuild_of_months_without_facts_is_refused_and_later_months_are_right(
    ingest: Ingest, chore: Chore
) -> None:
    await fill(ingest)
    await chore.until(LATER)
    before = await ingest.raw_cells()
    use_case = RebuildAggregates(PostgresRebuildStore(ingest.pool), ingest.extract, ingest.now_ms)

    with pytest.raises(FactsGoneError, match="2026-11-01"):
        await use_case.rebuild(BODY, "permit", date(2026, 10, 31), date(2026, 12, 1))
    done = await use_case.rebuild(BODY, "permit", date(2026, 11, 1), date(2026, 12, 1))

    assert done.cells > 0
    assert done.changed == 0
    assert await ingest.raw_cells() == before


async def test_one_process_at_a_time_lets_facts_go(ingest: Ingest, chore: Chore) -> None:
    await fill(ingest)
    await chore.run()
    ingest.now = LATER
    await chore.run()
    ingest.now += 2 * HOUR

    async with PostgresRetention(ingest.pool).alone() as mine:
        assert mine
        await chore.run()
        assert await facts(ingest) == (10, 11)
    await asyncio.gather(*(chore.run() for _ in range(3)))

    assert chore.gone == {JOURNEYS.name: 5, FEEDBACK.name: 4}


async def test_a_batch_under_way_is_waited_for(ingest: Ingest, chore: Chore) -> None:
    """Else a worker would write a journey back that it had read before, and it would be booked twice."""
    await fill(ingest)
    await chore.run()
    ingest.now = LATER
    await chore.run()
    ingest.now += 2 * HOUR

    async with ingest.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT FROM evaluation.sink_position WHERE topic = $1 AND partition = 0 FOR UPDATE", JOURNEYS.name
        )
        going = asyncio.create_task(chore.run())
        await asyncio.sleep(0.5)
        assert not going.done()
        assert (await facts(ingest))[0] == 10
    await going

    assert await facts(ingest) == (5, 7)
