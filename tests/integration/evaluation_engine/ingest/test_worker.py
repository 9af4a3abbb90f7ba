"""Workers on the real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from civiloop_shared.kafka.topics import ensure_topics
from evaluation_engine.adapters.releases import PostgresReleases
from evaluation_engine.service.releasing import ReleasePartitions
from tests.support.ingest import BODY, Sent, answer, define_services, erasure, journey_event
from tests.support.ingest_worker import Stream

NOW = datetime.now(UTC)


def journeys(n: int, first: int = 0) -> list[Sent]:
    """So many journeys of two events."""
    begun = NOW - timedelta(hours=3)
    return [
        one
        for k in range(first, first + n)
        for one in (
            journey_event("started", f"j{k}", at=begun, recorded=NOW),
            journey_event("fulfilled", f"j{k}", at=begun + timedelta(minutes=k + 1), recorded=NOW),
        )
    ]


async def balanced(stream: Stream) -> bool:
    return (await stream.ingest.audit()).imbalance == 0


@pytest.mark.requirement("A4")
async def test_what_is_on_the_topics_is_counted_and_the_watermark_follows(stream: Stream) -> None:
    worker = stream.start_worker()
    await stream.send(*journeys(200))
    await stream.send(answer("a"), answer("b"), erasure("b"), topic=FEEDBACK.name)

    assert await stream.counted(403) == {"counted": 402, "erased": 1}

    total = await stream.ingest.total()
    assert (total["j.fulfilled"], total["answers"]) == (200, 1)
    assert await balanced(stream)
    assert await worker.readiness.refresh() == {}
    for _ in range(100):
        (row,) = await stream.ingest.query(
            "SELECT count(caught_up_at) AS n, min(caught_up_at) FROM evaluation.sink_position"
        )
        if row["n"] == 24:
            break
        await asyncio.sleep(0.1)
    assert row["n"] == 24
    assert worker.value("civiloop_ingest_records_total", topic=JOURNEYS.name, outcome="counted") == 400


async def test_offsets_are_told_to_kafka_for_its_own_tools(stream: Stream) -> None:
    stream.start_worker()
    await stream.send(*journeys(50))
    await stream.counted(100)
    reader = AIOKafkaConsumer(
        bootstrap_servers=stream.infra.bootstrap_servers,
        group_id=stream.settings().consumer_group,
        enable_auto_commit=False,
    )
    await reader.start()
    try:
        async with asyncio.timeout(20):
            while True:
                partitions = [TopicPartition(stream.prefix + JOURNEYS.name, n) for n in range(12)]
                told = [await reader.committed(partition) or 0 for partition in partitions]
                if sum(told) == 100:
                    break
                await asyncio.sleep(0.2)
    finally:
        await reader.stop()


@pytest.mark.requirement("B14")
async def test_two_workers_share_and_one_takes_over_when_the_other_stops(stream: Stream) -> None:
    first, second = stream.start_worker(), stream.start_worker()
    await stream.eventually(lambda: len(first.lanes) == len(second.lanes) == 12)
    for n in range(10):
        await stream.send(*journeys(40, first=40 * n))
        if n == 5:
            await first.stop()

    await stream.counted(800)

    assert (await stream.ingest.total())["j.fulfilled"] == 400
    assert len(second.lanes) == 24
    assert await balanced(stream)


async def test_workers_that_come_and_go_count_everything_once(stream: Stream) -> None:
    stream.start_worker()

    async def storm() -> None:
        for _ in range(4):
            other = stream.start_worker()
            await asyncio.sleep(1.0)
            await other.stop()

    storming = asyncio.create_task(storm())
    for n in range(40):
        await stream.send(*journeys(25, first=25 * n))
        await stream.send(*journeys(5, first=25 * n))
        await asyncio.sleep(0.05)
    await storming

    outcomes = await stream.counted(2400)

    assert outcomes == {"counted": 2000, "duplicate": 400}
    assert (await stream.ingest.total())["j.fulfilled"] == 1000
    assert await balanced(stream)


async def test_a_worker_that_stood_still_while_another_took_over_is_refused(stream: Stream) -> None:
    """Its batch is read and ready to commit when another owner commits the same records."""
    worker = stream.start_worker()
    await stream.eventually(lambda: sum(lane.idle for lane in worker.lanes.values()) == 24)
    slots = worker.process.worker._slots  # type: ignore[union-attr]
    for _ in range(3):
        await slots.acquire()
    await stream.send(*journeys(1))
    partition = await _partition_of_news(stream)
    await asyncio.sleep(0.5)
    topic_id = (await stream.ingest.query("SELECT topic_id FROM evaluation.sink_position LIMIT 1"))[0][0]
    await stream.ingest.sink.claim(JOURNEYS.name, partition, topic_id, 0, forgive=True)

    for _ in range(3):
        slots.release()

    assert await stream.counted(2) == {"counted": 2}
    assert worker.value("civiloop_ingest_fenced_total") == 1
    assert (await stream.ingest.total())["j.fulfilled"] == 1
    assert await balanced(stream)


@pytest.mark.requirement("B14")
async def test_connections_cut_under_load_lose_and_repeat_nothing(stream: Stream) -> None:
    worker = stream.start_worker()
    await stream.send(*journeys(50))
    await stream.counted(100)  # it works: nothing is cut before
    for n in range(1, 20):
        await stream.send(*journeys(50, first=50 * n))
        await stream.ingest.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'civiloop ingest'"
        )
        await asyncio.sleep(0.05)

    assert await stream.counted(2000) == {"counted": 2000}
    assert (await stream.ingest.total())["j.fulfilled"] == 1000
    assert await balanced(stream)
    assert worker.value("civiloop_ingest_retries_total", code="unavailable") > 0


async def test_poison_goes_to_the_dlq_and_stops_nothing(stream: Stream) -> None:
    good = journeys(1)[0]
    stream.start_worker()
    await stream.send(Sent(good.key, b"{"), good, Sent(good.key, None), Sent(good.key, b'{"specversion":"1.0"}'))

    assert await stream.counted(4) == {"counted": 1, "dead_lettered": 3}

    relayed = await stream.on_topic("telemetry.journeys.dlq", 2)
    headers = dict(relayed[0].headers)
    assert (relayed[0].key, relayed[0].value) == (good.key, b"{")
    assert (headers["civiloop-reason"], headers["civiloop-topic"]) == (b"not_json", b"telemetry.journeys")
    assert await balanced(stream)


async def test_a_dead_letter_is_replayed_when_what_was_wrong_is_mended(stream: Stream) -> None:
    stream.start_worker()
    start = journey_event("started", "j1", at=NOW, recorded=NOW, service="visa")
    await stream.send(start, start)
    assert await stream.counted(2) == {"dead_lettered": 2}
    await define_services(stream.ingest.pool, {"visa": {}})

    assert await stream.replay(topic=JOURNEYS.name) == 2

    assert await stream.counted(4) == {"counted": 1, "dead_lettered": 2, "duplicate": 1}
    assert await stream.replay() == 0
    assert (await stream.ingest.total(service="visa"))["j.started"] == 1
    assert await balanced(stream)


async def test_a_run_of_invalid_messages_turns_readiness_red_until_a_valid_one_comes(stream: Stream) -> None:
    worker = stream.start_worker()
    good = journeys(1)[0]
    await stream.send(*(Sent(good.key, b"nonsense") for _ in range(120)))
    await stream.counted(120)
    await stream.eventually(lambda: "120 records in a row" in worker.standing_still)
    assert worker.value("civiloop_ingest_invalid_run") == 120

    await stream.send(good)

    await stream.eventually(lambda: not worker.standing_still)


async def test_a_message_that_breaks_its_batch_each_time_is_set_aside_alone(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [journey_event("started", "same", at=NOW, recorded=NOW, event_id=f"e{n}", step=f"s{n}") for n in range(9)]
    worker = stream.start_worker()
    await stream.eventually(lambda: len(worker.lanes) == 24)
    _break_on(worker, b"s5", monkeypatch)
    await stream.send(*sent)

    assert await stream.counted(9) == {"counted": 8, "dead_lettered": 1}
    ((offset, reason),) = await stream.ingest.query('SELECT "offset", reason FROM evaluation.dead_letter')
    assert (offset, reason) == (5, "poison")
    assert await balanced(stream)


async def test_tables_of_another_version_are_waited_for_and_no_record_is_set_aside(stream: Stream) -> None:
    worker = stream.start_worker()
    await stream.eventually(lambda: len(worker.lanes) == 24)
    await stream.ingest.query("ALTER TABLE evaluation.change RENAME COLUMN data TO other")
    await stream.send(*journeys(3))
    await stream.eventually(lambda: worker.value("civiloop_ingest_retries_total", code="UndefinedColumnError") > 20)
    await stream.ingest.query("ALTER TABLE evaluation.change RENAME COLUMN other TO data")

    assert await stream.counted(6) == {"counted": 6}
    assert (await stream.ingest.total())["j.fulfilled"] == 3


async def test_a_topic_that_was_made_anew_stops_its_partitions_and_says_so(stream: Stream) -> None:
    worker = stream.start_worker()
    await stream.send(*journeys(20))
    await stream.counted(40)
    await worker.stop()
    await _make_anew(stream)

    worker = stream.start_worker()

    await stream.eventually(lambda: "made anew" in worker.standing_still)
    await stream.send(answer("a"), topic=FEEDBACK.name)
    assert await stream.counted(41) == {"counted": 41}


async def test_a_released_topic_goes_on_and_nothing_is_lost_or_counted_twice(stream: Stream) -> None:
    """Half of what was counted is sent again, beside what is new: all of it to a topic that begins at offset 0."""
    before, after = journeys(20), journeys(30)
    worker = stream.start_worker()
    await stream.send(*before)
    await stream.counted(40)
    await _make_anew(stream)
    await stream.eventually(lambda: "made anew" in worker.standing_still, 60)
    await stream.send(*after)
    desk = ReleasePartitions(PostgresReleases(stream.ingest.pool), BODY, lambda: datetime.now(UTC))
    stopped, _ = await desk.show(BODY)

    assert await desk.release(BODY, JOURNEYS.name, None, by="key", dry_run=True) == stopped
    await asyncio.sleep(0.5)
    assert worker.standing_still, "a dry run orders nothing"
    ordered = await desk.release(BODY, JOURNEYS.name, None, by="key", dry_run=False)

    assert {one.partition for one in ordered} == {one.partition for one in stopped}
    assert await stream.counted(100, 60) == {"counted": 60, "duplicate": 40}
    await stream.eventually(lambda: not worker.standing_still)
    assert await balanced(stream)
    assert (await stream.ingest.total())["j.started"] == 30
    left, orders = await desk.show(BODY)
    assert left == []
    assert len(orders) == len(ordered)
    assert {(one.asked_by, one.new_next_offset, one.released_at is None) for one in orders} == {("key", 0, False)}
    assert worker.value("civiloop_ingest_partition_stopped", topic=JOURNEYS.name, partition="0") == 0


async def _make_anew(stream: Stream) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stream.infra.bootstrap_servers)
    await admin.start()
    await admin.delete_topics([stream.prefix + JOURNEYS.name])
    await admin.close()
    await asyncio.sleep(1.0)
    await ensure_topics(stream.infra.bootstrap_servers, stream.prefix)


async def _partition_of_news(stream: Stream) -> int:
    (record, *_) = await stream.on_topic(JOURNEYS.name, 2)
    return int(record.partition)


def _break_on(worker, step: bytes, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Make reading a certain record fail, as a defect would."""
    use_case = worker.process.worker._ingest
    real = type(use_case).sort

    async def sort(self, handler, records):  # type: ignore[no-untyped-def]
        if any(step in (record.value or b"") for record in records):
            raise RuntimeError("a defect")
        return await real(self, handler, records)

    monkeypatch.setattr(type(use_case), "sort", sort)
