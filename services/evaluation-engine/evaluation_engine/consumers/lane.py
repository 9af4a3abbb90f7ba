"""One partition: claim, seek, batch after batch; after any trouble forget everything and claim again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from civiloop_shared.errors import CiviloopError, UnavailableError
from civiloop_shared.kafka.consumer import PartitionConsumer
from civiloop_shared.observability import get_logger
from civiloop_shared.postgres.errors import is_other_schema
from evaluation_engine.consumers.backlog import Backlog
from evaluation_engine.consumers.metrics import IngestMetrics
from evaluation_engine.errors import FencedError
from evaluation_engine.ports.sink import DeadLetter, StreamRecord
from evaluation_engine.service.ingest.batch import IngestBatch, Lane, SortedBatch
from evaluation_engine.service.ingest.claiming import ClaimPartition, PartitionStoppedError, Span
from evaluation_engine.service.ingest.journeys import JourneyHandler
from evaluation_engine.service.ingest.work import Handler

_log = get_logger("civiloop.ingest")

_SWEEP_LIMIT = 1_000
_TRACES_TOLD = 5


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """How much of a partition is taken at once, and how long to wait after trouble, in seconds.

    The larger a batch, the less there is to gather for each event. A batch that keeps ending the worker is taken record
    by record, all of it: with less, what ended it could lie behind that and end it again.
    """

    max_batch: int = 8_000
    careful_after: int = 3
    backoff_s: float = 0.1
    longest_backoff_s: float = 10.0
    fenced_pause_s: float = 2.0
    stopped_pause_s: float = 5.0


@dataclass(slots=True)
class PartitionLane:
    """The task of one partition. ``slots`` bounds how many transactions run at once over all lanes."""

    at: TopicPartition
    topic: str
    consumer: PartitionConsumer
    claims: ClaimPartition
    ingest: IngestBatch
    handler: Handler[Any]
    slots: asyncio.Semaphore
    metrics: IngestMetrics
    options: LaneOptions = field(default_factory=LaneOptions)
    lane: Lane | None = None
    stopped: str = ""
    sweep_due: bool = False
    _backlog: Backlog = field(default_factory=Backlog)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _seek: bool = False
    _paused: bool = False
    _lost: bool = False
    _closed: asyncio.Event = field(default_factory=asyncio.Event)
    _forgive: bool = True
    _first: bool = True
    _failures: int = 0

    @property
    def invalid_run(self) -> int:
        """How many dead letters came one after the other, up to now."""
        return self.lane.consecutive_letters if self.lane else 0

    @property
    def idle(self) -> bool:
        """Whether it has claimed and nothing waits here."""
        return self.lane is not None and not self._backlog and not self._seek

    def offer(self, records: Sequence[StreamRecord]) -> None:
        """Take records that were fetched; reading pauses while a full batch waits."""
        if self._seek or self.lane is None:
            return
        self._backlog.put(records)
        if len(self._backlog) >= self.options.max_batch and not self._paused:
            self.consumer.pause(self.at)
            self._paused = True
        self._news.set()

    def seek_again(self) -> None:
        """The group was rebalanced: where the consumer stands is lost, what is held here is not."""
        self._seek = True
        self._news.set()

    def look_again(self) -> None:
        """The broker doesn't have what comes next: claim anew, which finds out why."""
        self._lost = True
        self._news.set()

    def close(self) -> None:
        """End after the batch that is under way."""
        self._closed.set()
        self._news.set()

    def wake(self) -> None:
        """Look whether something is to be done."""
        self._news.set()

    async def run(self) -> None:
        """Work until closed."""
        while not self._closed.is_set():
            try:
                if self.lane is None:
                    await self._claim()
                await self._work()
            except PartitionStoppedError as error:
                self._stop(str(error))
                await self._pause(self.options.stopped_pause_s)
            except FencedError:
                self.metrics.fenced.inc()
                _log.warning("fenced", topic=self.topic, partition=self.at.partition)
                self._forget(forgive=True)
                await self._pause(self.options.fenced_pause_s)
            except UnavailableError as error:
                await self._again(error, forgive=True)
            except Exception as error:  # a defect or a poison message: attempts are counted
                await self._again(error, forgive=is_other_schema(error))

    async def _claim(self) -> None:
        span = (await self.consumer.spans([self.at]))[self.at]
        topic_id = (await self.consumer.topic_ids()).get(self.at.topic)
        if topic_id is None:
            raise UnavailableError("the topic is not there", dependency="kafka")
        self.lane = await self.claims.claim(self.topic, self.at.partition, topic_id, Span(*span), forgive=self._forgive)
        self._first, self._seek = True, True
        self._go_on()
        _log.info("claimed", topic=self.topic, partition=self.at.partition, offset=self.lane.position.next_offset)

    async def _work(self) -> None:
        while not self._closed.is_set():
            assert self.lane is not None
            if self._lost:
                raise UnavailableError("the broker doesn't have the next offset", dependency="kafka")
            if self._seek:
                self._backlog.clear()
                self._seek = False
                self._resume()
                self.consumer.seek(self.at, self.lane.position.next_offset)
            self._news.clear()
            records = self._take()
            if records:
                await self._batch(self.lane, records)
            elif self.sweep_due:
                await self._sweep(self.lane)
            else:
                await self._news.wait()

    def _take(self) -> list[StreamRecord]:
        assert self.lane is not None
        expected = self.lane.position.next_offset
        taken = self._backlog.take(expected, 1 if expected < self.lane.careful_until else self.options.max_batch)
        if not taken and self._backlog.misses(expected):
            _log.warning("records are missing", topic=self.topic, partition=self.at.partition, offset=expected)
            self.seek_again()
        if self._paused and len(self._backlog) < self.options.max_batch:
            self._resume()
        return taken

    async def _batch(self, lane: Lane, records: list[StreamRecord]) -> None:
        begun = time.perf_counter()
        poison = await self._begin_first(lane, records)
        batch = poison or await self.ingest.sort(self.handler, records)
        async with self.slots:
            outcomes = await self.ingest.ingest(lane, self.handler, batch, caught_up=self._caught_up(batch.next_offset))
        self._failures, self._forgive = 0, True
        self.metrics.count(self.topic, outcomes, time.perf_counter() - begun)
        self._tell(batch, outcomes)

    async def _begin_first(self, lane: Lane, records: list[StreamRecord]) -> SortedBatch | None:
        """Count the first batch after a claim; return a batch that sets one record aside if it kept killing us."""
        if not self._first:
            return None
        attempt = await self.claims.begin(lane, careful_after=self.options.careful_after, span=self.options.max_batch)
        self._first = False
        if lane.position.next_offset < lane.careful_until:
            del records[1:]
            self._seek = True
            if attempt.number > self.options.careful_after:
                return _poison(records[0], attempt.number)
        return None

    async def _sweep(self, lane: Lane) -> None:
        assert isinstance(self.handler, JourneyHandler)
        async with self.slots:
            found = await self.ingest.sweep(lane, self.handler, _SWEEP_LIMIT)
        self.sweep_due = found == _SWEEP_LIMIT
        self.metrics.silenced.inc(found)

    def _caught_up(self, next_offset: int) -> bool:
        return not self._backlog and self.consumer.highwater(self.at) == next_offset

    def _tell(self, batch: SortedBatch, outcomes: dict[str, int]) -> None:
        place = {"topic": self.topic, "partition": self.at.partition, "next_offset": batch.next_offset}
        traces = [trace for one in batch.arrivals[:_TRACES_TOLD] if (trace := one.traceparent)]
        _log.info("counted", **place, outcomes=outcomes, traceparents=traces)
        for letter in batch.letters[:_TRACES_TOLD]:
            _log.warning("dead letter", **place, offset=letter.record.offset, reason=letter.reason)

    def _stop(self, reason: str) -> None:
        self._forget(forgive=True)
        if reason != self.stopped:
            _log.error("partition stopped", topic=self.topic, partition=self.at.partition, reason=reason)
        self.stopped = reason
        self.metrics.stopped.labels(self.topic, self.at.partition).set(1)

    def _go_on(self) -> None:
        if self.stopped:
            _log.warning("partition released", topic=self.topic, partition=self.at.partition)
            self.stopped = ""
            self.metrics.stopped.labels(self.topic, self.at.partition).set(0)

    async def _again(self, error: Exception, *, forgive: bool) -> None:
        code = error.code if isinstance(error, CiviloopError) else type(error).__name__
        self._failures += 1
        self.metrics.retries.labels(code).inc()
        _log.warning(
            "begin again", topic=self.topic, partition=self.at.partition, code=code, exc_info=None if forgive else error
        )
        self._forget(forgive=forgive)
        options = self.options
        await self._pause(min(options.longest_backoff_s, options.backoff_s * 2 ** min(self._failures, 10)))

    def _forget(self, *, forgive: bool) -> None:
        """What was in memory may be ahead of the table or behind it: none of it can be used."""
        self.lane, self._forgive, self._lost = None, forgive, False
        self._backlog.clear()

    def _resume(self) -> None:
        self._paused = False
        self.consumer.resume(self.at)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()


def _poison(record: StreamRecord, attempts: int) -> SortedBatch:
    letter = DeadLetter(record, "dead_lettered", "poison", f"processing ended the worker {attempts - 1} times")
    return SortedBatch(record.offset + 1, record.timestamp, (), (letter,), 1)
