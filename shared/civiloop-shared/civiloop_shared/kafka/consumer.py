"""A consumer that only gets partitions from Kafka; where to read from is told by the caller, who keeps the offsets.

Nothing here relies on rebalance listeners: they swallow exceptions and may be skipped. What is assigned is seen by
looking at it, and records are given out only for partitions that were positioned in the present assignment.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import ConsumerRecord

from civiloop_shared.errors import UnavailableError
from civiloop_shared.kafka.closing import close_consumer
from civiloop_shared.kafka.errors import OffsetLostError
from civiloop_shared.kafka.metadata import topic_ids

_log = logging.getLogger(__name__)

Records = dict[TopicPartition, list[ConsumerRecord]]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a ``PartitionConsumer`` behaves.

    Heartbeats live on the event loop: CPU work of more than a fraction of ``session_ms`` at a stretch loses partitions.
    After ``metadata_max_age_ms`` at most it is known that a topic was made anew; until then nobody reads its
    partitions.
    """

    client_id: str = "civiloop-worker"
    session_ms: int = 30_000
    rebalance_ms: int = 30_000
    fetch_max_wait_ms: int = 200
    fetch_min_bytes: int = 1
    partition_bytes: int = 1024 * 1024
    request_timeout_ms: int = 10_000
    metadata_max_age_ms: int = 15_000
    stuck_after_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Rebalance:
    """What changed since the last look. A partition that was taken and given back meanwhile stands in both."""

    assigned: frozenset[TopicPartition] = frozenset()
    revoked: frozenset[TopicPartition] = frozenset()


@dataclass(slots=True)
class _Progress:
    position: int
    at: float


class PartitionConsumer:
    """One member of a consumer group.

    Use: ``rebalance = await consumer.changes()``; for every assigned partition claim it in the store, then
    ``seek(partition, next_offset)``; ``records = await consumer.fetch()``; commit in the store; ``commit_lazily``.
    """

    def __init__(
        self, bootstrap_servers: str, group: str, topics: Collection[str], options: ConsumerOptions | None = None
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._topics = list(topics)
        self._options = options or ConsumerOptions()
        self._consumer: AIOKafkaConsumer | None = None
        self._seen: Any = None
        self._owned: frozenset[TopicPartition] = frozenset()
        self._positioned: dict[TopicPartition, _Progress] = {}
        self._paused: set[TopicPartition] = set()
        self._committing: asyncio.Task[None] | None = None
        self.generation = 0

    @property
    def owned(self) -> frozenset[TopicPartition]:
        """The partitions that ``changes`` has told so far."""
        return self._owned

    async def start(self) -> None:
        """Join the group. Raises ``UnavailableError`` when Kafka can't be reached; may be called again then."""
        consumer = self._make()
        try:
            async with asyncio.timeout(self._options.request_timeout_ms / 500):
                await consumer.start()
        except (kafka_errors.KafkaError, OSError, TimeoutError) as error:
            await close_consumer(consumer, 1.0)
            raise UnavailableError("Kafka can't be reached", dependency="kafka") from error
        consumer.subscribe(self._topics, listener=_HoldUntilPositioned(consumer))
        self._consumer = consumer
        self.generation += 1

    async def stop(self, timeout_s: float = 3.0) -> None:
        """Leave the group, so that others take over at once."""
        if self._committing is not None:
            await asyncio.wait({self._committing}, timeout=1.0)
        consumer, self._consumer = self._consumer, None
        self._forget()
        if consumer is not None:
            await close_consumer(consumer, timeout_s)

    async def restart(self) -> None:
        """Make the consumer anew: the cure for one that is alive and never fetches again."""
        _log.warning("kafka consumer of group %s is made anew", self._group)
        owned = self._owned
        await self.stop(1.0)
        self._owned = owned
        await self.start()

    async def changes(self, timeout_s: float = 0.0) -> Rebalance:
        """Return what was assigned and revoked since the last call, waiting up to ``timeout_s`` for news."""
        deadline = time.monotonic() + timeout_s
        while True:
            rebalance = self._look()
            if rebalance.assigned or rebalance.revoked or time.monotonic() >= deadline:
                return rebalance
            await asyncio.sleep(min(0.05, timeout_s))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read a partition from ``offset`` on. Does nothing when it isn't owned any more."""
        self._look_only()
        if partition not in self._current():
            return
        consumer = self._running()
        consumer.seek(partition, offset)
        self._positioned[partition] = _Progress(offset, time.monotonic())
        if partition not in self._paused:
            consumer.resume(partition)

    def pause(self, *partitions: TopicPartition) -> None:
        """Read these no further for now."""
        self._paused.update(partitions)
        self._running().pause(*(self._current() & set(partitions)))

    def resume(self, *partitions: TopicPartition) -> None:
        """Read these on, from where they were."""
        self._paused.difference_update(partitions)
        self._running().resume(*(self._current() & set(partitions) & self._positioned.keys()))

    async def fetch(self, max_records: int = 1_000, timeout_s: float = 0.5) -> Records:
        """Return records by partition, in offset order; nothing when none came in time or a rebalance happened.

        Raises:
            OffsetLostError: a partition's next offset is not at the broker; that partition is not read on until
                ``seek``.
            UnavailableError: Kafka refuses.
        """
        readable = self._readable()
        if not readable:
            await asyncio.sleep(timeout_s)
            return {}
        consumer = self._running()
        try:
            found: Records = await consumer.getmany(
                *readable, timeout_ms=int(timeout_s * 1000), max_records=max_records
            )
        except kafka_errors.OffsetOutOfRangeError as error:
            raise self._lost(error) from error
        except kafka_errors.NoOffsetForPartitionError:
            return {}
        except kafka_errors.KafkaError as error:
            raise UnavailableError("Kafka can't be read", dependency="kafka") from error
        return self._checked(found)

    def commit_lazily(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell Kafka how far we are, for lag tools. In the background; one at a time; never raises, may be skipped."""
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit(dict(offsets)))

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the offset that the next record of a partition will get, as far as fetches have told."""
        if partition not in self._positioned or partition not in self._current():
            return None
        mark: int | None = self._running().highwater(partition)
        return mark

    def lag(self, partition: TopicPartition) -> int | None:
        """Return how many offsets a partition is behind; None while that is not known."""
        mark, progress = self.highwater(partition), self._positioned.get(partition)
        return None if mark is None or progress is None else max(0, mark - progress.position)

    def stuck(self) -> list[TopicPartition]:
        """Return partitions that are behind and have not moved for too long; ``restart`` then."""
        before = time.monotonic() - self._options.stuck_after_s
        return [
            partition
            for partition, progress in self._positioned.items()
            if partition not in self._paused and progress.at < before and self._behind(partition)
        ]

    async def spans(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Return the first and the next offset of partitions, asked of the broker."""
        consumer = self._running()
        try:
            first = await consumer.beginning_offsets(list(partitions))
            end = await consumer.end_offsets(list(partitions))
        except (kafka_errors.KafkaError, TimeoutError) as error:
            raise UnavailableError("Kafka can't be asked for offsets", dependency="kafka") from error
        return {partition: (first[partition], end[partition]) for partition in partitions}

    async def topic_ids(self) -> dict[str, UUID]:
        """Return the ids of the topics: another id is another topic, whose offsets start again."""
        try:
            return await topic_ids(self._running()._client, self._topics)
        except kafka_errors.KafkaError as error:
            raise UnavailableError("Kafka can't be asked for topics", dependency="kafka") from error

    def _make(self) -> AIOKafkaConsumer:
        options = self._options
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=options.client_id,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=options.session_ms,
            heartbeat_interval_ms=min(3_000, options.session_ms // 3),
            rebalance_timeout_ms=options.rebalance_ms,
            max_poll_interval_ms=max(300_000, options.session_ms),
            fetch_max_wait_ms=options.fetch_max_wait_ms,
            fetch_min_bytes=options.fetch_min_bytes,
            max_partition_fetch_bytes=options.partition_bytes,
            request_timeout_ms=options.request_timeout_ms,
            metadata_max_age_ms=options.metadata_max_age_ms,
            retry_backoff_ms=100,
        )

    def _running(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise UnavailableError("the consumer is not running", dependency="kafka")
        return self._consumer

    def _assignment(self) -> Any:
        subscription = self._consumer._subscription.subscription if self._consumer is not None else None
        assignment = subscription.assignment if subscription is not None else None
        return assignment if assignment is not None and assignment.active else None

    def _current(self) -> frozenset[TopicPartition]:
        assignment = self._assignment()
        return assignment.tps if assignment is not None and assignment is self._seen else frozenset()

    def _look_only(self) -> None:
        if self._assignment() is not self._seen:
            self._positioned.clear()

    def _look(self) -> Rebalance:
        """Compare by identity: every rebalance makes a new assignment, in which all positions are lost."""
        assignment = self._assignment()
        if assignment is self._seen and self._seen is not None:
            return Rebalance()
        before, self._seen = self._owned, assignment
        self._owned = assignment.tps if assignment is not None else frozenset()
        self._positioned.clear()
        return Rebalance(assigned=self._owned, revoked=before)

    def _readable(self) -> list[TopicPartition]:
        current = self._current()
        return [one for one in self._positioned if one in current and one not in self._paused]

    def _checked(self, found: Records) -> Records:
        if self._assignment() is not self._seen:
            return {}
        now = time.monotonic()
        for partition, records in found.items():
            self._positioned[partition] = _Progress(records[-1].offset + 1, now)
        return {partition: records for partition, records in found.items() if records}

    def _lost(self, error: kafka_errors.OffsetOutOfRangeError) -> OffsetLostError:
        partition, offset = next(iter(error.args[0].items()))
        self._positioned.pop(partition, None)
        self._running().pause(partition)
        return OffsetLostError(partition.topic, partition.partition, offset)

    def _behind(self, partition: TopicPartition) -> bool:
        lag = self.lag(partition)
        if lag is None or lag > 0:
            return True
        polled_ms = self._running().last_poll_timestamp(partition) or 0
        return time.time() - polled_ms / 1000 > self._options.stuck_after_s

    def _forget(self) -> None:
        self._seen, self._owned = None, frozenset()
        self._positioned.clear()

    async def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        current = self._current()
        mine = {partition: offset for partition, offset in offsets.items() if partition in current}
        with contextlib.suppress(kafka_errors.KafkaError, UnavailableError, TimeoutError):
            if mine:
                async with asyncio.timeout(self._options.request_timeout_ms / 1000):
                    await self._running().commit(mine)


class _HoldUntilPositioned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps a new partition from being fetched before ``seek``. Saves work; correctness doesn't rest on it."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Do nothing: the caller sees it by looking."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Pause, at a position that is never read."""
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
