"""Records as Kafka gives them, and the ingest use cases on a real database, without a broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from civiloop_shared.contracts.envelope import Envelope, encode
from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackReceived
from civiloop_shared.contracts.identity import event_key
from civiloop_shared.contracts.journeys import journey_stream_key, journey_type
from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS, MEASUREMENTS
from civiloop_shared.postgres.engine import ConnectionOptions, create_pool
from evaluation_engine.adapters.books import PostgresBooks
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.gathering import PostgresGatherStore
from evaluation_engine.adapters.sink import PostgresSink
from evaluation_engine.bootstrap.comments import make_extractor
from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.months import month_of
from evaluation_engine.ports.comments import CommentExtractor
from evaluation_engine.ports.gathering import Much
from evaluation_engine.service.gathering import GatherChanges
from evaluation_engine.service.ingest.answers import AnswerHandler
from evaluation_engine.service.ingest.batch import IngestBatch, Lane
from evaluation_engine.service.ingest.claiming import ClaimPartition, Span
from evaluation_engine.service.ingest.journeys import JourneyHandler
from evaluation_engine.service.ingest.measurements import MeasurementHandler
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.ledger import Audit, AuditLedger
from tests.support.cells import cells_of_change
from tests.support.platform import Database, Infra

BODY = "city"
SOURCE = "urn:civiloop:key:abc"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOPIC_ID = UUID(int=7)
SERVICES: dict[str, dict[str, Any]] = {
    "permit": {
        "zone": "Europe/Athens",
        "languages": ["en", "el"],
        "steps": ["form", "pay"],
        "segments": {"age": ["18-25", "65+"]},
        "silence_limit_hours": 48,
    },
    "tax": {"zone": "Asia/Tehran"},
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A key and a value, on no offset yet."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """Implements ``StreamRecord``."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def journey_event(
    kind: str, journey: str = "j1", *, at: datetime = NOW, event_id: str = "", body: str = BODY, **data: Any
) -> Sent:
    """One event of a journey; its id is made of what it says unless it is given."""
    recorded = data.pop("recorded", NOW)
    payload = {"service": "permit", "journey_id": journey, "kind": kind, "occurred_at": at.isoformat()}
    payload |= {"channel": "web"} | data
    name = event_id or f"{journey}-{kind}-{at.timestamp():.0f}-{data.get('step', '')}"
    return Sent(
        journey_stream_key(body, journey), event(journey_type(kind), name, payload, body=body, recorded=recorded)
    )


def answer(name: str, *, at: datetime = NOW, recorded: datetime = NOW, event_id: str = "", **data: Any) -> Sent:
    """One answer set."""
    key = feedback_id(name)
    payload = {"feedback_id": key, "service": "permit", "channel": "web", "occurred_at": at.isoformat()}
    payload |= {"rating": 4} | data
    value = event(FeedbackReceived.TYPE, event_id or name, payload, recorded=recorded)
    return Sent(key.encode(), value)


def erasure(name: str, *, again: int = 0) -> Sent:
    """The erasure of an answer set."""
    key = feedback_id(name)
    payload = {"feedback_id": key, "service": "permit", "erased_at": NOW.isoformat()}
    return Sent(key.encode(), event(FeedbackErased.TYPE, f"{name}/erased/{again}", payload))


def measurement(name: str, value: float | None, *, event_id: str, recorded: datetime = NOW, **data: Any) -> Sent:
    """One measurement."""
    payload = {"service": "permit", "name": name, "kind": "cost", "unit": "EUR", "value": value} | data
    if "period_from" not in data:
        payload.setdefault("occurred_at", NOW.isoformat())
    return Sent(f"permit/{name}".encode(), event(MeasurementRecorded.TYPE, event_id, payload, recorded=recorded))


def event(type_: str, id_: str, data: dict[str, Any], *, body: str = BODY, recorded: datetime = NOW) -> bytes:
    """The value of a record."""
    return encode(Envelope(id_, SOURCE, type_, recorded.isoformat(), body, recorded.isoformat(), data))


def feedback_id(name: str) -> str:
    return event_key(BODY, SOURCE, name).hex()


def numbered(sent: Iterable[Sent], first: int = 0) -> list[Record]:
    """Records at consecutive offsets."""
    appended = round(NOW.timestamp() * 1000)
    return [Record(first + n, appended, one.key, one.value, one.headers) for n, one in enumerate(sent)]


@dataclass
class Ingest:
    """Ingest on a database of its own; ``now`` may be moved."""

    database: Database
    pool: asyncpg.Pool[Any]
    sink: PostgresSink
    book: ServiceBook
    now: datetime = NOW
    extract: CommentExtractor = field(default_factory=lambda: make_extractor(read_taxonomy()))
    lanes: dict[tuple[str, int], Lane] = field(default_factory=dict)

    @property
    def use_case(self) -> IngestBatch:
        return IngestBatch(self.sink, self.book, self.now_ms)

    def now_ms(self) -> int:
        return round(self.now.timestamp() * 1000)

    def handler(self, topic: str) -> Any:
        handlers = (JourneyHandler(self.book), AnswerHandler(self.book, self.extract), MeasurementHandler(self.book))
        return {handler.topic: handler for handler in handlers}[topic]

    async def claim(self, topic: str, partition: int = 0, *, end: int = 2**40) -> Lane:
        """A lane with an empty memory."""
        return await ClaimPartition(self.sink).claim(topic, partition, TOPIC_ID, Span(0, end), forgive=True)

    async def feed(self, topic: str, *sent: Sent, partition: int = 0) -> dict[str, int]:
        """One batch at the next offsets."""
        lane = self.lanes.get((topic, partition))
        if lane is None:
            lane = self.lanes[topic, partition] = await self.claim(topic, partition)
        return await self.commit(lane, numbered(sent, lane.position.next_offset))

    async def commit(self, lane: Lane, records: Sequence[Record]) -> dict[str, int]:
        handler = self.handler(lane.position.topic)
        return await self.use_case.ingest(lane, handler, await self.use_case.sort(handler, records))

    async def journeys(self, *sent: Sent) -> dict[str, int]:
        return await self.feed(JOURNEYS.name, *sent)

    async def answers(self, *sent: Sent) -> dict[str, int]:
        return await self.feed(FEEDBACK.name, *sent)

    async def measurements(self, *sent: Sent) -> dict[str, int]:
        return await self.feed(MEASUREMENTS.name, *sent)

    async def sweep(self, partition: int = 0) -> int:
        """Count as abandoned what has been silent for too long."""
        lane = self.lanes[JOURNEYS.name, partition]
        return await self.use_case.sweep(lane, JourneyHandler(self.book), 1_000)

    async def total(self, cut: str = "", *, service: str = "permit", grain: str = "day") -> Measures:
        """The measures of a cut over all time and topics, gathered or not; of days without survival."""
        return month_of(measures for at, measures in await self._parts() if at[1:4] == (service, cut, grain))

    async def cells(self) -> dict[tuple[Any, ...], str]:
        """Every cell that isn't empty, gathered or not, as text."""
        found: dict[tuple[Any, ...], list[Measures]] = {}
        for at, measures in await self._parts():
            found.setdefault(at, []).append(measures)
        return {at: json.dumps(sums, sort_keys=True) for at, parts in found.items() if (sums := merge(parts))}

    async def _parts(self) -> list[tuple[tuple[Any, ...], Measures]]:
        """What is stored and what waits, by topic, service, cut, grain and start."""
        stored = await self.query(
            "SELECT topic, service_id, cut, grain, (extract(epoch FROM bucket_start) * 1000)::bigint, data::text"
            " FROM evaluation.aggregate UNION ALL SELECT topic, service_id, cut, 'minute',"
            " (extract(epoch FROM bucket_start) * 1000)::bigint, data::text FROM evaluation.minute"
        )
        parts = [(tuple(at), json.loads(data)) for *at, data in stored]
        for topic, service, text in await self.query("SELECT topic, service_id, data::text FROM evaluation.change"):
            parts += [((topic, service, *at), measures) for *at, measures in cells_of_change(text)]
        return parts

    async def raw_cells(self) -> list[tuple[Any, ...]]:
        """Every row of the aggregates but its time of change, once everything is gathered."""
        await self.gather()
        return [
            tuple(row)
            for row in await self.query(
                "SELECT topic, service_id, cut, grain, bucket_start, data::text FROM evaluation.aggregate"
                " ORDER BY 1, 2, 3, 4, 5"
            )
        ]

    async def gather(self) -> int:
        """Add to the aggregates whatever waits; return how many changes that were."""
        gone: list[int] = []
        await GatherChanges(PostgresGatherStore(self.pool), gone.append, wait=timedelta(0), much=Much(7, 20_000)).run()
        return sum(gone)

    async def forget(self) -> None:
        """Begin again with nothing counted."""
        await self.query(
            "TRUNCATE evaluation.change, evaluation.aggregate, evaluation.minute, evaluation.journey,"
            " evaluation.answer, evaluation.seen_event, evaluation.ledger, evaluation.sink_position,"
            " evaluation.dead_letter"
        )
        self.lanes.clear()

    async def audit(self) -> Audit:
        return await AuditLedger(PostgresBooks(self.pool)).audit(BODY)

    async def letters(self) -> list[tuple[str, str]]:
        """Outcome and reason of every dead letter."""
        return [
            tuple(row) for row in await self.query("SELECT outcome, reason FROM evaluation.dead_letter ORDER BY id")
        ]

    async def query(self, statement: str, *arguments: Any) -> list[Any]:
        async with self.pool.acquire() as connection:
            return list(await connection.fetch(statement, *arguments))

    async def keep_up(self) -> None:
        await PostgresBooks(self.pool).keep_up(self.now_ms())

    async def pass_days(self, days: float) -> None:
        """Let time go by, with the upkeep that belongs to it."""
        self.now += timedelta(days=days)
        await self.keep_up()


@asynccontextmanager
async def ingest_on(infra: Infra) -> AsyncIterator[Ingest]:
    """A database with two services, and ingest on it."""
    database = await asyncio.to_thread(infra.new_database, migrated=True)
    pool = await create_pool(database.evaluation, ConnectionOptions(max_size=6))
    try:
        await define_services(pool)
        sink = PostgresSink(pool)
        book = ServiceBook(sink)
        await book.refresh()
        made = Ingest(database, pool, sink, book)
        await made.keep_up()
        yield made
    finally:
        pool.terminate()
        await asyncio.to_thread(infra.drop_database, database.name)


async def define_services(pool: asyncpg.Pool[Any], services: dict[str, dict[str, Any]] | None = None) -> None:
    """Write the rows that the catalogue would."""
    async with pool.acquire() as connection:
        for name, fields in (services or SERVICES).items():
            definition = {"id": name, "body": BODY, "version": 1, "title": {"en": name}} | fields
            await connection.execute(
                "INSERT INTO evaluation.service (id, body_id, version, definition) VALUES ($1, $2, 1, $3)",
                name,
                definition["body"],
                orjson.dumps(definition).decode(),
            )
