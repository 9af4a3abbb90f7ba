"""The composition root: opens what the service needs, in order, and closes it in reverse."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from fastapi import FastAPI

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.contracts.topics import JOURNEYS, MEASUREMENTS
from civiloop_shared.edge import create_app
from civiloop_shared.kafka.producer import DurableProducer, ProducerOptions
from civiloop_shared.observability import Readiness, new_registry
from metrics_collector.adapters.kafka_stream import KafkaEventStream
from metrics_collector.adapters.metrics import CollectorMetrics
from metrics_collector.api import journeys, measurements
from metrics_collector.service.journeys import RecordJourneys
from metrics_collector.service.measurements import RecordMeasurements
from metrics_collector.service.record import Intake
from metrics_collector.settings import Settings

_WATCH_EVERY_S = 0.1


class State(TypedDict):
    """What endpoints find in ``request.state``."""

    record_journeys: RecordJourneys
    record_measurements: RecordMeasurements
    metrics: CollectorMetrics


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the process."""

    follower: CatalogueFollower
    producer: DurableProducer
    readiness: Readiness
    metrics: CollectorMetrics
    most_bytes: int

    def look(self) -> None:
        """Note how the dependencies are. Requests are admitted by it before their body is read."""
        in_flight = self.producer.in_flight_bytes
        self.readiness.set("catalogue", self.follower.ready, "not read to its end yet")
        if in_flight >= self.most_bytes:
            self.readiness.set("kafka", False, "too much waits for Kafka")
        else:
            self.readiness.set("kafka", self.producer.ready, "can't be reached")
        age = self.follower.snapshot_age
        self.metrics.bytes_in_flight.set(in_flight)
        self.metrics.generation.set(self.producer.generation)
        self.metrics.snapshot_age.set(float("nan") if age is None else age)

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            self.look()
            await asyncio.sleep(_WATCH_EVERY_S)


def build_app(settings: Settings) -> FastAPI:
    """Return the app; nothing is opened before its lifespan begins."""
    follower = CatalogueFollower(
        settings.kafka_bootstrap_servers, topic_prefix=settings.topic_prefix, client_id="metrics-collector-catalogue"
    )
    registry = new_registry()
    metrics = CollectorMetrics.on(registry)
    readiness = Readiness("catalogue", "kafka")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with opened(settings, follower, readiness, metrics) as state:
            yield state

    return create_app(
        title="Civiloop metrics-collector",
        version="1",
        description="Takes what happens in public services: journeys, costs, volumes, durations.",
        settings=settings,
        keyring=follower.keys,
        routers=[journeys.router, measurements.router],
        lifespan=lifespan,
        readiness=readiness,
        metrics_registry=registry,
    )


@asynccontextmanager
async def opened(
    settings: Settings, follower: CatalogueFollower, readiness: Readiness, metrics: CollectorMetrics
) -> AsyncIterator[State]:
    """Connect to Kafka (without waiting long for it), yield the use cases, drain and close."""
    options = ProducerOptions(
        client_id="metrics-collector",
        deadline_s=settings.produce_deadline_seconds,
        max_bytes_in_flight=settings.max_produce_bytes_in_flight,
    )
    async with AsyncExitStack() as stack:
        producer = DurableProducer(settings.kafka_bootstrap_servers, options)
        stack.push_async_callback(producer.stop)
        stack.push_async_callback(follower.stop)
        await asyncio.gather(
            producer.start(wait_s=settings.start_wait_seconds), follower.start(wait_s=settings.start_wait_seconds)
        )
        parts = Parts(follower, producer, readiness, metrics, settings.max_produce_bytes_in_flight)
        parts.look()
        watching = asyncio.create_task(parts.watch(), name="readiness")
        stack.push_async_callback(_ended, watching)
        prefix = settings.topic_prefix
        _calm_collector()
        yield State(
            record_journeys=RecordJourneys(
                Intake(follower, KafkaEventStream(producer, JOURNEYS, prefix, metrics.journeys), utc_now)
            ),
            record_measurements=RecordMeasurements(
                Intake(follower, KafkaEventStream(producer, MEASUREMENTS, prefix, metrics.measurements), utc_now)
            ),
            metrics=metrics,
        )


def _calm_collector() -> None:
    """Have the garbage collector look less often, and never at what lives as long as the process.

    A batch makes tens of thousands of objects, none of them in a cycle: with Python's own settings a third of the time
    of a batch went into walking them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)
