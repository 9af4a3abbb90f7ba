"""One lane a partition: records of many callers travel in one batch, and each caller learns when all of its own are in.

aiokafka makes a future for every record, which costs more than the record itself. A lane keeps one batch on the way
and fills the next one meanwhile, so batches grow under load by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from civiloop_shared.kafka.partitioner import partition_for

Headers = Sequence[tuple[str, bytes]]
Record = tuple[bytes, bytes | None, Headers]
"""Key, value (None deletes on a compacted topic) and headers."""

RECORD_OVERHEAD_BYTES = 100
_CACHED_KEYS = 100_000


class Ticket:
    """What one caller waits for. ``outcome`` resolves to None when all is in, else to the first error."""

    __slots__ = ("outcome", "waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.outcome: asyncio.Future[BaseException | None] = loop.create_future()
        self.waiting = 0

    def settle(self, error: BaseException | None) -> None:
        """Take note that one of the batches is in, or failed."""
        self.waiting -= 1
        if self.outcome.done():
            return
        if error is not None or self.waiting == 0:
            self.outcome.set_result(error)


@dataclass(slots=True)
class _Batch:
    builder: Any
    tickets: list[Ticket] = field(default_factory=list)
    bytes: int = 0


@dataclass(slots=True)
class _Lane:
    topic: str
    partition: int
    batch: _Batch | None = None
    full: deque[_Batch] = field(default_factory=deque)
    under_way_since: float | None = None

    def take(self) -> _Batch | None:
        """Return the next batch to send, closed to further records."""
        if self.full:
            return self.full.popleft()
        batch, self.batch = self.batch, None
        if batch is not None:
            batch.builder.close()
        return batch


class Lanes:
    """The lanes of one producer. ``settled`` is told the bytes of every batch that left, and its error if it failed."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        *,
        linger_s: float,
        settled: Callable[[int, BaseException | None], None],
    ) -> None:
        self._producer = producer
        self._linger_s = linger_s
        self._settled = settled
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[str, list[_Lane]] = {}
        self._of_key: dict[str, dict[bytes, _Lane]] = {}
        self._open: dict[int, _Lane] = {}
        self._flush: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self, topic: str) -> None:
        """Learn the partitions of a topic; has to be called once before ``add``."""
        if topic not in self._lanes:
            partitions = await self._producer.partitions_for(topic)
            self._lanes[topic] = [_Lane(topic, number) for number in range(len(partitions))]
            self._of_key[topic] = {}

    def knows(self, topic: str) -> bool:
        """Say whether ``prepare`` was done for a topic."""
        return topic in self._lanes

    def add(self, topic: str, records: Sequence[Record]) -> Ticket:
        """Put records into the batches of their partitions."""
        ticket = Ticket(self._loop)
        lanes, of_key = self._lanes[topic], self._of_key[topic]
        if len(of_key) > _CACHED_KEYS:
            of_key.clear()
        count, now_ms = len(lanes), int(time.time() * 1000)
        for key, value, headers in records:
            lane = of_key.get(key)
            if lane is None:
                lane = of_key[key] = lanes[partition_for(key, count)]
            batch = lane.batch
            if batch is None:
                batch = self._begin(lane)
            packed = headers if type(headers) is list else list(headers)
            if batch.builder.append(timestamp=now_ms, key=key, value=value, headers=packed) is None:
                lane.full.append(batch)
                batch = self._begin(lane)
                batch.builder.append(timestamp=now_ms, key=key, value=value, headers=packed)
            batch.bytes += len(key) + (len(value) if value else 0) + RECORD_OVERHEAD_BYTES
            if not batch.tickets or batch.tickets[-1] is not ticket:
                batch.tickets.append(ticket)
                ticket.waiting += 1
        self._schedule()
        return ticket

    def oldest_age_s(self) -> float:
        """Return for how long the batch that waits longest has been under way."""
        since = [lane.under_way_since for lane in self._all() if lane.under_way_since is not None]
        return time.monotonic() - min(since) if since else 0.0

    async def drained(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; False when that takes longer than ``timeout_s``."""
        if self._flush is not None:
            self._flush.cancel()
            self._send_open()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
        return not self._tasks

    def abandon(self, error: BaseException) -> None:
        """Fail everything that was not handed to aiokafka yet."""
        if self._flush is not None:
            self._flush.cancel()
        for lane in self._all():
            while (batch := lane.take()) is not None:
                self._settle(batch, error)

    def _all(self) -> list[_Lane]:
        return [lane for lanes in self._lanes.values() for lane in lanes]

    def _begin(self, lane: _Lane) -> _Batch:
        lane.batch = batch = _Batch(self._producer.create_batch())
        self._open[id(lane)] = lane
        return batch

    def _schedule(self) -> None:
        if self._flush is None:
            if self._linger_s > 0:
                self._flush = self._loop.call_later(self._linger_s, self._send_open)
            else:
                self._flush = self._loop.call_soon(self._send_open)

    def _send_open(self) -> None:
        self._flush = None
        lanes, self._open = self._open, {}
        for lane in lanes.values():
            if lane.under_way_since is None:
                lane.under_way_since = time.monotonic()
                task = self._loop.create_task(self._run(lane))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: _Lane) -> None:
        while (batch := lane.take()) is not None:
            lane.under_way_since = time.monotonic()
            try:
                await (await self._producer.send_batch(batch.builder, lane.topic, partition=lane.partition))
            except Exception as error:
                self._settle(batch, error)
            else:
                self._settle(batch, None)
        lane.under_way_since = None

    def _settle(self, batch: _Batch, error: BaseException | None) -> None:
        for ticket in batch.tickets:
            ticket.settle(error)
        self._settled(batch.bytes, error)
