"""What a worker does beside the stream: watermarks, lag, catalogue, silence, books, letters, facts, aggregates."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from civiloop_shared.errors import CiviloopError
from civiloop_shared.kafka.consumer import PartitionConsumer
from civiloop_shared.observability import get_logger
from evaluation_engine.consumers.metrics import IngestMetrics
from evaluation_engine.consumers.worker import IngestWorker
from evaluation_engine.ports.books import Books
from evaluation_engine.ports.sink import Position, Sink
from evaluation_engine.service.gathering import GatherChanges, MakeMonths
from evaluation_engine.service.ingest.journeys import JourneyHandler
from evaluation_engine.service.ingest.services import ServiceBook
from evaluation_engine.service.relay import RelayDeadLetters
from evaluation_engine.service.retention import LetFactsGo

_log = get_logger("civiloop.ingest.chores")

# The broker's answer that nothing is left is at most this old: fetches wait 0.2 s.
_CAUGHT_UP_AGE_MS = 1_000


@dataclass(frozen=True, slots=True)
class ChoreTimes:
    """How often each is done, in seconds."""

    services: float = 1.0
    watermarks: float = 1.0
    commit: float = 5.0
    stuck: float = 5.0
    sweep: float = 5.0
    relay: float = 1.0
    books: float = 15.0
    upkeep: float = 1_800.0
    retention: float = 1_800.0
    gathering: float = 2.0
    months: float = 1_800.0


@dataclass(frozen=True, slots=True)
class Chores:
    """Everything that is done on time. A chore that fails is told and done again at its next time."""

    worker: IngestWorker
    consumer: PartitionConsumer
    sink: Sink
    book: ServiceBook
    books: Books
    relay: RelayDeadLetters
    retention: LetFactsGo
    gathering: GatherChanges
    months: MakeMonths
    metrics: IngestMetrics
    clock_ms: Callable[[], int]
    times: ChoreTimes = ChoreTimes()

    async def run(self) -> None:
        """Do all of them until cancelled."""
        times = self.times
        chores: tuple[tuple[float, Callable[[], Awaitable[object]]], ...] = (
            (times.services, self.book.refresh),
            (times.watermarks, self.mark),
            (times.commit, self.commit),
            (times.stuck, self.free_stuck),
            (times.sweep, self.find_silent),
            (times.relay, self.relay.relay),
            (times.books, self.audit),
            (times.upkeep, self.keep_up),
            (times.retention, self.retention.run),
            (times.gathering, self.gathering.run),
            (times.months, self.months.run),
        )
        async with asyncio.TaskGroup() as group:
            for every_s, chore in chores:
                group.create_task(_repeat(every_s, chore))

    async def mark(self) -> None:
        """Say how far behind the partitions are, and that those without news are read to the end."""
        self.worker.tell_readiness()
        now_ms = self.clock_ms()
        current: list[Position] = []
        for at, one in self.worker.lanes.items():
            end = self.consumer.highwater(at)
            if one.lane is None or end is None:
                continue
            position = one.lane.position
            self.metrics.lag.labels(one.topic, at.partition).set(max(0, end - position.next_offset))
            if one.idle and end == position.next_offset:
                current.append(position)
        await self.sink.touch(current, now_ms - _CAUGHT_UP_AGE_MS)

    async def commit(self) -> None:
        """Tell Kafka, for its own tools only."""
        lanes = self.worker.lanes.items()
        self.consumer.commit_lazily({at: one.lane.position.next_offset for at, one in lanes if one.lane is not None})

    async def free_stuck(self) -> None:
        """Make a consumer anew that is alive and never fetches again."""
        if self.consumer.stuck():
            await self.consumer.restart()

    async def find_silent(self) -> None:
        """Tell lanes that hold journeys whose silence is due."""
        lanes = {one.at.partition: one for one in self.worker.lanes.values() if isinstance(one.handler, JourneyHandler)}
        for partition in await self.books.silent_partitions(list(lanes), self.clock_ms()):
            lanes[partition].sweep_due = True
            lanes[partition].wake()

    async def audit(self) -> None:
        """Show whether the books balance and how many letters lie aside."""
        for topic, imbalance in (await self.books.imbalances()).items():
            self.metrics.imbalance.labels(topic).set(imbalance)
        for topic, n in (await self.books.dead_letters()).items():
            self.metrics.dead_letters.labels(topic).set(n)
        self.metrics.unrelayed.set(await self.books.unrelayed())

    async def keep_up(self) -> None:
        """Make the tables of the coming days, let go of what is past its time."""
        await self.books.keep_up(self.clock_ms())


async def _repeat(every_s: float, chore: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await chore()
        except CiviloopError as error:
            _log.warning("chore failed", chore=chore.__name__, code=error.code)
        except Exception:
            _log.exception("chore failed", chore=chore.__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.sleep(every_s * random.uniform(0.9, 1.1))  # noqa: S311 - jitter, no secret
