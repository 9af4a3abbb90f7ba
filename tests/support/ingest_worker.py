"""Ingest workers in this process, on topics and a database of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from civiloop_shared.contracts.topics import JOURNEYS
from civiloop_shared.kafka.producer import DurableProducer
from civiloop_shared.kafka.topics import ensure_topics
from civiloop_shared.observability import Readiness, new_registry
from evaluation_engine.adapters.letter_box import KafkaPublisher, PostgresLetterBox
from evaluation_engine.bootstrap.work import IngestProcess
from evaluation_engine.consumers.lane import LaneOptions, PartitionLane
from evaluation_engine.consumers.metrics import IngestMetrics
from evaluation_engine.consumers.worker import WorkerOptions
from evaluation_engine.service.replay import ReplayDeadLetters
from evaluation_engine.settings import EngineSettings
from tests.support.ingest import BODY, Ingest, Sent, ingest_on
from tests.support.platform import Infra

IMPATIENT = WorkerOptions(
    lane=LaneOptions(max_batch=500, backoff_s=0.001, longest_backoff_s=0.05, fenced_pause_s=0.1, stopped_pause_s=0.2),
    stop_s=5.0,
)


@dataclass
class RunningWorker:
    """One worker with what it shows."""

    process: IngestProcess
    readiness: Readiness
    metrics: IngestMetrics
    registry: Any
    task: asyncio.Task[None]

    @property
    def lanes(self) -> dict[TopicPartition, PartitionLane]:
        return self.process.worker.lanes if self.process.worker else {}

    @property
    def standing_still(self) -> str:
        """Why the stream stands still, as readiness tells it."""
        return self.readiness.missing().get("stream", "")

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def stop(self) -> None:
        self.process.stop()
        await asyncio.wait_for(self.task, 15)


@dataclass
class Stream:
    """Topics, a database and a producer."""

    infra: Infra
    prefix: str
    ingest: Ingest
    producer: DurableProducer
    workers: list[RunningWorker] = field(default_factory=list)

    def settings(self) -> EngineSettings:
        url, servers = self.ingest.database.evaluation, self.infra.bootstrap_servers
        given: dict[str, Any] = {"DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": servers}
        return EngineSettings(**given, topic_prefix=self.prefix, consumer_group=f"{self.prefix}group")

    def start_worker(self, options: WorkerOptions = IMPATIENT) -> RunningWorker:
        registry = new_registry()
        metrics, readiness = IngestMetrics(registry), Readiness("postgresql", "kafka", "stream")
        process = IngestProcess(self.settings(), metrics, readiness, options)
        worker = RunningWorker(process, readiness, metrics, registry, asyncio.create_task(process.run()))
        self.workers.append(worker)
        return worker

    async def send(self, *sent: Sent, topic: str = JOURNEYS.name) -> None:
        records = [(one.key or b"", one.value, one.headers) for one in sent]
        await self.producer.send_batch(self.prefix + topic, records, deadline_s=10.0)

    async def outcomes(self) -> dict[str, int]:
        rows = await self.ingest.query("SELECT outcome, sum(n)::int FROM evaluation.ledger GROUP BY 1")
        return dict(rows)

    async def counted(self, n: int, timeout_s: float = 30.0) -> dict[str, int]:
        """Wait until so many records have an outcome."""
        async with asyncio.timeout(timeout_s):
            while sum((found := await self.outcomes()).values()) < n:
                await asyncio.sleep(0.02)
        return found

    async def eventually(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.02)

    def replaying(self) -> ReplayDeadLetters:
        return ReplayDeadLetters(PostgresLetterBox(self.ingest.pool), KafkaPublisher(self.producer, self.prefix))

    async def replay(self, *ids: int, topic: str | None = None) -> int:
        return await self.replaying().replay(BODY, ids or None, topic)

    async def on_topic(self, topic: str, n: int) -> list[Any]:
        """Wait for so many records."""
        consumer = AIOKafkaConsumer(
            self.prefix + topic, bootstrap_servers=self.infra.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async with asyncio.timeout(20):
                return [await consumer.getone() for _ in range(n)]
        finally:
            await consumer.stop()


@asynccontextmanager
async def stream_on(infra: Infra, prefix: str) -> AsyncIterator[Stream]:
    """Topics and a database for one test; workers that still run are stopped."""
    await ensure_topics(infra.bootstrap_servers, prefix)
    producer = DurableProducer(infra.bootstrap_servers)
    await producer.start(wait_s=10.0)
    async with ingest_on(infra) as ingest:
        made = Stream(infra, prefix, ingest, producer)
        try:
            yield made
        finally:
            for worker in made.workers:
                if not worker.task.done():
                    with suppress(TimeoutError):
                        await worker.stop()
            await producer.stop()
