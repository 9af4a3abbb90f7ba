"""Only the newest owner of a partition commits."""

from __future__ import annotations

import asyncio

import pytest

from civiloop_shared.contracts.topics import JOURNEYS
from civiloop_shared.errors import ForbiddenError, UnavailableError, UnknownOutcomeError
from evaluation_engine.adapters.releases import PostgresReleases
from evaluation_engine.errors import FencedError
from evaluation_engine.ports.sink import Progress
from evaluation_engine.service.ingest.batch import Lane
from evaluation_engine.service.ingest.claiming import ClaimPartition, PartitionStoppedError, Span
from evaluation_engine.service.releasing import ReleasePartitions
from tests.support.ingest import BODY, NOW, TOPIC_ID, Ingest, journey_event, numbered

TOPIC = JOURNEYS.name


async def test_a_late_commit_of_an_earlier_owner_is_refused(ingest: Ingest) -> None:
    earlier = await ingest.claim(TOPIC)
    records = numbered([journey_event("started")])
    later = await ingest.claim(TOPIC)

    with pytest.raises(FencedError):
        await ingest.commit(earlier, records)

    assert await ingest.total() == {}
    assert await ingest.commit(later, records) == {"counted": 1}
    assert (await ingest.audit()).imbalance == 0


async def test_two_that_claim_at_once_have_one_winner(ingest: Ingest) -> None:
    lanes = await asyncio.gather(*(ingest.claim(TOPIC) for _ in range(4)))
    records = numbered([journey_event("started")])

    outcomes = await asyncio.gather(*(ingest.commit(lane, records) for lane in lanes), return_exceptions=True)

    assert sum(outcome == {"counted": 1} for outcome in outcomes) == 1
    assert sum(isinstance(outcome, FencedError) for outcome in outcomes) == 3
    assert (await ingest.total())["j.started"] == 1


async def test_a_batch_that_was_committed_already_is_refused(ingest: Ingest) -> None:
    lane = await ingest.claim(TOPIC)
    before = lane.position
    await ingest.commit(lane, numbered([journey_event("started")]))
    lane.position = before

    with pytest.raises(FencedError):
        await ingest.commit(lane, numbered([journey_event("started")]))


async def test_a_commit_that_waited_for_the_lock_of_a_stopped_owner_is_refused(ingest: Ingest) -> None:
    stalled = await ingest.claim(TOPIC)
    async with ingest.sink.transaction() as transaction:
        await transaction.fence(stalled.position, Progress(0))
        claiming = asyncio.create_task(ingest.claim(TOPIC))
        await asyncio.sleep(0.2)
        assert not claiming.done()
    later = await claiming

    with pytest.raises(FencedError):
        await ingest.commit(stalled, numbered([journey_event("started")]))
    assert await ingest.commit(later, numbered([journey_event("started")])) == {"counted": 1}


async def test_an_owner_that_stands_still_in_a_transaction_is_ended_by_the_database(ingest: Ingest) -> None:
    lane = await ingest.claim(TOPIC)

    with pytest.raises(UnavailableError):
        await _stand_still(ingest, lane)

    assert (await ingest.claim(TOPIC)).position.next_offset == 0


@pytest.mark.parametrize("at_commit", [False, True])
async def test_a_backend_that_dies_leaves_all_or_nothing(ingest: Ingest, at_commit: bool) -> None:
    """The outcome is unknown to the worker: it forgets, claims again and goes on from where the database is."""
    lane = await ingest.claim(TOPIC)
    events = [journey_event("started", f"j{n}") for n in range(50)]
    batch = await ingest.use_case.sort(ingest.handler(TOPIC), numbered(events))
    if at_commit:
        await _slow_commit(ingest)
    committing = asyncio.create_task(ingest.use_case.ingest(lane, ingest.handler(TOPIC), batch))
    await _kill_backend(ingest, "COMMIT" if at_commit else "")

    with pytest.raises(UnknownOutcomeError if at_commit else UnavailableError):
        await committing
    lane = await ingest.claim(TOPIC)
    left = numbered(events)[lane.position.next_offset :]
    if left:
        await ingest.commit(lane, left)

    assert (await ingest.total())["j.started"] == 50
    assert (await ingest.audit()).imbalance == 0


async def test_deadlocked_batches_are_tried_again(ingest: Ingest) -> None:
    """PostgreSQL refuses one of two that lock each other's rows: nothing of it is done."""
    lane = await ingest.claim(TOPIC)
    await ingest.query(
        "CREATE FUNCTION evaluation.refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"
    )
    await ingest.query("CREATE TRIGGER refuse BEFORE INSERT ON evaluation.ledger EXECUTE FUNCTION evaluation.refuse()")
    with pytest.raises(UnavailableError):
        await ingest.commit(lane, numbered([journey_event("started")]))
    await ingest.query("DROP TRIGGER refuse ON evaluation.ledger")

    lane = await ingest.claim(TOPIC)

    assert await ingest.commit(lane, numbered([journey_event("started")])) == {"counted": 1}
    assert (await ingest.total())["j.started"] == 1


@pytest.mark.parametrize(
    ("topic_id", "span", "reason"),
    [
        (2, Span(0, 10), "made anew"),
        (TOPIC_ID.int, Span(0, 0), "ends at 0"),
        (TOPIC_ID.int, Span(5, 10), "deleted before"),
    ],
)
async def test_a_topic_that_lacks_what_comes_next_stops_the_partition(
    ingest: Ingest, topic_id: int, span: Span, reason: str
) -> None:
    await ingest.journeys(journey_event("started"))
    claims = ClaimPartition(ingest.sink)

    for _ in range(2):
        with pytest.raises(PartitionStoppedError, match=reason):
            await claims.claim(TOPIC, 0, type(TOPIC_ID)(int=topic_id), span, forgive=True)
    assert (await ingest.audit()).ledger.partitions[0].stopped


@pytest.mark.parametrize(
    ("topic_id", "span"), [(2, Span(0, 10)), (TOPIC_ID.int, Span(0, 0)), (TOPIC_ID.int, Span(5, 10))]
)
async def test_a_released_partition_begins_at_the_first_record_and_keeps_its_books(
    ingest: Ingest, topic_id: int, span: Span
) -> None:
    await ingest.journeys(journey_event("started"), journey_event("step"))
    claims, anew = ClaimPartition(ingest.sink), type(TOPIC_ID)(int=topic_id)
    with pytest.raises(PartitionStoppedError):
        await claims.claim(TOPIC, 0, anew, span, forgive=True)
    desk = ReleasePartitions(PostgresReleases(ingest.pool), BODY, lambda: NOW)
    for _ in range(2):
        await desk.release(BODY, TOPIC, 0, by="key", dry_run=False)

    lane = await claims.claim(TOPIC, 0, anew, span, forgive=True)

    assert lane.position.next_offset == span.first
    again = numbered([journey_event("started"), journey_event("error", step="pay")], span.first)
    assert await ingest.commit(lane, again) == {"duplicate": 1, "counted": 1}
    assert (await ingest.audit()).imbalance == 0
    assert len((await desk.show(BODY))[1]) == 1, "an order that waits is not made again"


async def test_a_partition_that_nobody_released_stands_still_however_often_it_is_claimed(ingest: Ingest) -> None:
    await ingest.journeys(journey_event("started"))
    claims, desk = ClaimPartition(ingest.sink), ReleasePartitions(PostgresReleases(ingest.pool), BODY, lambda: NOW)
    with pytest.raises(PartitionStoppedError):
        await claims.claim(TOPIC, 0, TOPIC_ID, Span(5, 10), forgive=True)

    assert len(await desk.release(BODY, TOPIC, 0, by="key", dry_run=True)) == 1
    assert await desk.release(BODY, TOPIC, 1, by="key", dry_run=False) == []
    with pytest.raises(ForbiddenError):
        await desk.release("another-body", TOPIC, 0, by="key", dry_run=False)

    with pytest.raises(PartitionStoppedError, match="deleted before"):
        await claims.claim(TOPIC, 0, TOPIC_ID, Span(5, 10), forgive=True)


async def _stand_still(ingest: Ingest, lane: Lane) -> None:
    async with ingest.sink.transaction() as transaction:
        await transaction.fence(lane.position, Progress(5))
        await transaction._connection.execute("SET LOCAL idle_in_transaction_session_timeout = 100")  # type: ignore[attr-defined]
        await asyncio.sleep(0.5)


async def _slow_commit(ingest: Ingest) -> None:
    """A deferred trigger: COMMIT takes half a second."""
    await ingest.query(
        "CREATE FUNCTION evaluation.wait() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$"
    )
    await ingest.query(
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON evaluation.ledger DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION evaluation.wait()"
    )


async def _kill_backend(ingest: Ingest, statement: str) -> None:
    """End the backend of the batch: at once, or when it runs a statement."""
    for _ in range(200):
        found = await ingest.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_xid IS NOT NULL"
            " AND query ILIKE '%' || $1 || '%'",
            statement,
        )
        if found:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the batch was over too soon")
