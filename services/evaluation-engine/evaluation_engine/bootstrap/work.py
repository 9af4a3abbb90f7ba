"""The composition root of `evaluation_engine work`: a worker with health and metrics, and nothing else over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.edge import create_app
from civiloop_shared.errors import UnavailableError
from civiloop_shared.kafka.consumer import ConsumerOptions, PartitionConsumer
from civiloop_shared.kafka.producer import DurableProducer, ProducerOptions
from civiloop_shared.observability import Readiness, get_logger, new_registry
from civiloop_shared.postgres.engine import ConnectionOptions, acquire, create_pool
from evaluation_engine.adapters.books import PostgresBooks
from evaluation_engine.adapters.catalogue import PostgresCatalogueStore
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.gathering import PostgresGatherStore
from evaluation_engine.adapters.letter_box import KafkaPublisher, PostgresLetterBox
from evaluation_engine.adapters.retention import PostgresRetention
from evaluation_engine.adapters.sink import PostgresSink
from evaluation_engine.bootstrap.comments import make_extractor
from evaluation_engine.consumers.chores import Chores
from evaluation_engine.consumers.metrics import IngestMetrics
from evaluation_engine.consumers.worker import KAFKA, STREAM, IngestWorker, WorkerOptions
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.gathering import GatherChanges, MakeMonths
from evaluation_engine.service.ingest.answers import AnswerHandler
from evaluation_engine.service.ingest.batch import IngestBatch
from evaluation_engine.service.ingest.journeys import JourneyHandler
from evaluation_engine.service.ingest.measurements import MeasurementHandler
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.ingest.work import Handler
from evaluation_engine.service.problems.minutes import WatchedMinutes
from evaluation_engine.service.relay import RelayDeadLetters
from evaluation_engine.service.retention import LetFactsGo
from evaluation_engine.settings import EngineSettings

if TYPE_CHECKING:
    from asyncpg import Pool

_log = get_logger("civiloop.ingest")

_POSTGRESQL = "postgresql"
_PARTITION_BYTES = 2 * 1024 * 1024
_LONGEST_BACKOFF_S = 5.0
_TRANSACTION_S = 30.0
"""A batch takes seconds at most; whoever takes a partition over from a stopped worker waits that long at most."""


def build_worker_app(settings: EngineSettings) -> FastAPI:
    """Return the app; nothing is opened before its lifespan begins."""
    registry = new_registry()
    metrics = IngestMetrics(registry)
    readiness = Readiness(_POSTGRESQL, KAFKA, STREAM)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        process = IngestProcess(settings, metrics, readiness)
        task = asyncio.create_task(process.run(), name="ingest")
        try:
            yield
        finally:
            process.stop()
            await asyncio.wait({task}, timeout=settings.stop_seconds)
            task.cancel()
            await asyncio.wait({task}, timeout=2.0)

    return create_app(
        title="Civiloop evaluation-engine, ingest worker",
        version="1",
        description="Health and metrics of one worker.",
        settings=settings,
        keyring=KeyRing(),
        lifespan=lifespan,
        readiness=readiness,
        metrics_registry=registry,
    )


class IngestProcess:
    """Opens in order what a worker needs, waits for what isn't there yet, closes in reverse."""

    def __init__(
        self,
        settings: EngineSettings,
        metrics: IngestMetrics,
        readiness: Readiness,
        options: WorkerOptions | None = None,
    ) -> None:
        self._settings = settings
        self._options = options
        self._metrics = metrics
        self._readiness = readiness
        self._stopping = asyncio.Event()
        self.worker: IngestWorker | None = None

    def stop(self) -> None:
        """End after the batches that are under way."""
        self._stopping.set()
        if self.worker is not None:
            self.worker.stop()

    async def run(self) -> None:
        """Work until stopped. A defect at the start is told by `/healthz`: only a restart helps."""
        try:
            pool = await self._open_pool()
            if pool is None:
                return
            try:
                await self._work(pool)
            finally:
                await asyncio.wait({asyncio.ensure_future(pool.close())}, timeout=2.0)
                pool.terminate()
        except Exception as error:
            _log.exception("the worker ended")
            self._readiness.declare_dead(type(error).__name__)

    async def _open_pool(self) -> Pool[Any] | None:
        """Return a pool on a store that is ready for events; None when stopped before."""
        backoff_s = 0.2
        while not self._stopping.is_set():
            pool = None
            try:
                pool = await create_pool(
                    self._settings.database_url,
                    ConnectionOptions(
                        application="civiloop ingest", max_size=self._settings.pool_size, transaction_s=_TRANSACTION_S
                    ),
                )
                await PostgresBooks(pool).keep_up(_now_ms())
            except UnavailableError as error:
                self._readiness.set(_POSTGRESQL, False, error.detail)
                if pool is not None:
                    pool.terminate()
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
            else:
                self._readiness.add_probe(_POSTGRESQL, _probe(pool))
                return pool
        return None

    async def _work(self, pool: Pool[Any]) -> None:
        settings = self._settings
        sink = PostgresSink(pool)
        book = ServiceBook(sink, WatchedMinutes(Yardsticks(PostgresCatalogueStore(pool))))
        await book.refresh()
        consumer = make_consumer(settings)
        worker = IngestWorker(
            consumer,
            IngestBatch(sink, book, _now_ms),
            handlers_of(book, settings),
            self._metrics,
            self._readiness,
            self._options,
        )
        producer = DurableProducer(
            settings.kafka_bootstrap_servers, ProducerOptions(client_id="civiloop-dead-letters", deadline_s=5.0)
        )
        gather_store = PostgresGatherStore(pool)
        chores = Chores(
            worker=worker,
            consumer=consumer,
            sink=sink,
            book=book,
            books=PostgresBooks(pool),
            relay=RelayDeadLetters(PostgresLetterBox(pool), KafkaPublisher(producer, settings.topic_prefix)),
            retention=LetFactsGo(PostgresRetention(pool), _now_ms, self._metrics.expire),
            gathering=GatherChanges(gather_store, self._metrics.gathered.inc),
            months=MakeMonths(gather_store, _now_ms),
            metrics=self._metrics,
            clock_ms=_now_ms,
        )
        self.worker = worker
        if self._stopping.is_set():
            return
        await producer.start()
        side = asyncio.create_task(chores.run(), name="chores")
        try:
            await worker.run()
        finally:
            side.cancel()
            await asyncio.wait({side}, timeout=2.0)
            await producer.stop(2.0)


def make_consumer(settings: EngineSettings) -> PartitionConsumer:
    """Return the member of the group, not yet started."""
    return PartitionConsumer(
        settings.kafka_bootstrap_servers,
        settings.consumer_group,
        [settings.topic_prefix + topic.name for topic in INGESTED],
        ConsumerOptions(partition_bytes=_PARTITION_BYTES, session_ms=settings.session_ms),
    )


def handlers_of(book: ServiceBook, settings: EngineSettings) -> dict[str, Handler[Any]]:
    """Return the handlers by the name that their topic has in Kafka."""
    handlers: tuple[Handler[Any], ...] = (
        JourneyHandler(book),
        AnswerHandler(book, make_extractor(read_taxonomy(settings.taxonomy))),
        MeasurementHandler(book),
    )
    return {settings.topic_prefix + handler.topic: handler for handler in handlers}


def _probe(pool: Pool[Any]) -> Any:
    async def probe() -> None:
        async with acquire(pool) as connection:
            await connection.execute("SELECT 1")

    return probe


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
