"""A member of the consumer group: deals partitions to lanes, records to partitions, and stops in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from civiloop_shared.errors import UnavailableError
from civiloop_shared.kafka.consumer import PartitionConsumer, Rebalance
from civiloop_shared.kafka.errors import OffsetLostError
from civiloop_shared.observability import Readiness, get_logger
from evaluation_engine.consumers.lane import LaneOptions, PartitionLane
from evaluation_engine.consumers.metrics import IngestMetrics
from evaluation_engine.service.ingest.batch import IngestBatch
from evaluation_engine.service.ingest.claiming import ClaimPartition
from evaluation_engine.service.ingest.work import Handler

_log = get_logger("civiloop.ingest")

KAFKA = "kafka"
STREAM = "stream"
_LONGEST_BACKOFF_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker behaves. A run of ``alarm_after`` consecutive dead letters turns readiness red."""

    fetch_records: int = 8_000
    fetch_wait_s: float = 0.05
    transactions: int = 3
    alarm_after: int = 100
    stop_s: float = 10.0
    lane: LaneOptions = field(default_factory=LaneOptions)


class IngestWorker:
    """Reads the partitions that the group gives it. ``handlers`` by topic name as Kafka has it."""

    def __init__(
        self,
        consumer: PartitionConsumer,
        ingest: IngestBatch,
        handlers: Mapping[str, Handler[Any]],
        metrics: IngestMetrics,
        readiness: Readiness,
        options: WorkerOptions | None = None,
    ) -> None:
        self._consumer = consumer
        self._ingest = ingest
        self._handlers = handlers
        self._metrics = metrics
        self._readiness = readiness
        self._options = options or WorkerOptions()
        self._slots = asyncio.Semaphore(self._options.transactions)
        self._tasks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._retired: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.lanes: dict[TopicPartition, PartitionLane] = {}

    async def run(self) -> None:
        """Work until ``stop``; what can't be reached is waited for."""
        try:
            await self._join_group()
            backoff_s = 0.1
            while not self._stopping.is_set():
                try:
                    await self._turn()
                    backoff_s = 0.1
                except UnavailableError as error:
                    self._readiness.set(KAFKA, False, error.detail)
                    await self._sleep(backoff_s)
                    backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
        finally:
            await self._leave()

    def stop(self) -> None:
        """End after the batches that are under way, and leave the group."""
        self._stopping.set()

    def tell_readiness(self) -> None:
        """Say whether partitions stand still or bring nothing but dead letters."""
        lanes = self.lanes.values()
        run = max((lane.invalid_run for lane in lanes), default=0)
        self._metrics.invalid_run.set(run)
        self._metrics.owned.set(sum(lane.lane is not None for lane in lanes))
        stopped = sorted(f"{lane.topic}/{lane.at.partition}: {lane.stopped}" for lane in lanes if lane.stopped)
        if stopped:
            self._readiness.set(STREAM, False, "; ".join(stopped[:3]))
        elif run >= self._options.alarm_after:
            self._readiness.set(STREAM, False, f"{run} records in a row could not be counted")
        else:
            self._readiness.set(STREAM, True)

    async def _join_group(self) -> None:
        backoff_s = 0.1
        while not self._stopping.is_set():
            try:
                await self._consumer.start()
            except UnavailableError as error:
                self._readiness.set(KAFKA, False, error.detail)
                await self._sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
            else:
                return

    async def _turn(self) -> None:
        rebalance = await self._consumer.changes()
        if rebalance.assigned or rebalance.revoked:
            self._deal(rebalance)
        try:
            found = await self._consumer.fetch(self._options.fetch_records, self._options.fetch_wait_s)
        except OffsetLostError as error:
            if (lane := self.lanes.get(TopicPartition(error.topic, error.partition))) is not None:
                lane.look_again()
            return
        self._readiness.set(KAFKA, True)
        for partition, records in found.items():
            if (lane := self.lanes.get(partition)) is not None:
                lane.offer(records)
        if found:
            await asyncio.sleep(0)

    def _deal(self, rebalance: Rebalance) -> None:
        self._metrics.rebalances.inc()
        _log.info("rebalanced", assigned=len(rebalance.assigned), before=len(rebalance.revoked))
        for partition in [gone for gone in self.lanes if gone not in rebalance.assigned]:
            self._retire(partition)
        for partition in sorted(rebalance.assigned):
            if partition in self.lanes:
                self.lanes[partition].seek_again()
            else:
                self._open(partition)

    def _open(self, partition: TopicPartition) -> None:
        handler = self._handlers[partition.topic]
        lane = PartitionLane(
            at=partition,
            topic=handler.topic,
            consumer=self._consumer,
            claims=ClaimPartition(self._ingest.sink),
            ingest=self._ingest,
            handler=handler,
            slots=self._slots,
            metrics=self._metrics,
            options=self._options.lane,
        )
        self.lanes[partition] = lane
        self._tasks[partition] = asyncio.create_task(lane.run(), name=f"lane {partition.topic}/{partition.partition}")

    def _retire(self, partition: TopicPartition) -> None:
        lane, task = self.lanes.pop(partition), self._tasks.pop(partition)
        lane.close()
        self._metrics.forget(lane.topic, partition.partition)
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def _leave(self) -> None:
        for partition in list(self.lanes):
            self._retire(partition)
        if self._retired:
            _, late = await asyncio.wait(set(self._retired), timeout=self._options.stop_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
        await self._consumer.stop()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
