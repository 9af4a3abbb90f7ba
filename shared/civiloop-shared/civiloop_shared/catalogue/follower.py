"""Follows the compacted catalogue topic: reads it from its beginning, then every change within moments."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from civiloop_shared.auth import KeyRing
from civiloop_shared.catalogue.state import CatalogueState, Change
from civiloop_shared.contracts.catalogue import BodyDefined, ServiceDefined
from civiloop_shared.contracts.topics import CATALOGUE
from civiloop_shared.errors import CiviloopError
from civiloop_shared.kafka.closing import close_consumer

_log = logging.getLogger(__name__)

_POLL_MS = 250
_BACKOFF_S = 0.5
_CONNECT_S = 20.0
_SILENT_S = 15.0
_REQUEST_TIMEOUT_MS = 5_000

Listener = Callable[[Sequence[Change]], Awaitable[None] | None]


class SnapshotStore(Protocol):
    """Keeps the catalogue so that a service can start while Kafka is down."""

    async def load(self) -> list[tuple[bytes, bytes]]:
        """Return all records that are kept, key and value."""

    async def save(self, changes: Sequence[tuple[bytes, bytes | None]], offset: int) -> None:
        """Keep changes (value None: forget) and the offset that comes after them. Durable when this returns."""


class CatalogueFollower:
    """Gives services and keys out of memory.

    ``ready`` once the topic was read to its end, or a snapshot that knows at least one key was loaded. With Kafka down
    it goes on with what it has; ``snapshot_age`` says how old that may be.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        topic_prefix: str = "",
        snapshots: SnapshotStore | None = None,
        client_id: str = "civiloop-catalogue",
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._partition = TopicPartition(topic_prefix + CATALOGUE.name, 0)
        self._snapshots = snapshots
        self._client_id = client_id
        self._state = CatalogueState()
        self._listeners: list[Listener] = []
        self._unsaved: dict[bytes, bytes | None] = {}
        self._ready = asyncio.Event()
        self._current_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def keys(self) -> KeyRing:
        """All keys; the ring is the same for the whole life of the follower."""
        return self._state.keys

    @property
    def ready(self) -> bool:
        """Whether the catalogue can be relied on, if perhaps not new."""
        return self._ready.is_set()

    @property
    def snapshot_age(self) -> float | None:
        """Seconds since all changes were known for certain; None when they never were in this process."""
        return None if self._current_at is None else time.monotonic() - self._current_at

    @property
    def skipped(self) -> int:
        """How many records could not be read."""
        return self._state.skipped

    def service(self, service_id: str) -> ServiceDefined | None:
        """Return a service by its id."""
        return self._state.services.get(service_id)

    def services(self) -> list[ServiceDefined]:
        """Return all services, by id."""
        return [self._state.services[service_id] for service_id in sorted(self._state.services)]

    def body(self, body_id: str) -> BodyDefined | None:
        """Return a public body by its id."""
        return self._state.bodies.get(body_id)

    def on_change(self, listener: Listener) -> None:
        """Have ``listener`` called with every batch of changes, after they took effect here."""
        self._listeners.append(listener)

    async def start(self, *, wait_s: float = 0.0) -> None:
        """Load the snapshot, then follow in the background. Waits up to ``wait_s`` to become ready."""
        await self._load_snapshot()
        self._task = asyncio.create_task(self._run(), name="catalogue-follower")
        if wait_s > 0:
            await self.wait_ready(wait_s)

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait until ready; False when that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        return self.ready

    async def stop(self) -> None:
        """End in a few seconds at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=5.0)

    async def _load_snapshot(self) -> None:
        if self._snapshots is None:
            return
        try:
            records = await self._snapshots.load()
        except CiviloopError as error:
            _log.warning("the catalogue's snapshot can't be read: %s", error)
            return
        self._state.apply(Change(key, value) for key, value in records)
        if len(self.keys):
            self._ready.set()

    async def _run(self) -> None:
        while True:
            consumer = self._make()
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await consumer.start()
                await self._follow(consumer)
            except Exception as error:
                _log.warning("the catalogue can't be followed now: %r", error)
                await asyncio.sleep(_BACKOFF_S)
            finally:
                await close_consumer(consumer, 1.0)

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            retry_backoff_ms=100,
        )

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        """Read from the beginning; ends by an error only. Any gap is an error, and the next run starts anew."""
        started = time.time()
        first, end = await self._span(consumer)
        consumer.assign([self._partition])
        consumer.seek(self._partition, first)
        seen: set[bytes] | None = set()
        while True:
            records = await consumer.getmany(self._partition, timeout_ms=_POLL_MS, max_records=1_000)
            batch = [Change(record.key, record.value) for record in records.get(self._partition, ()) if record.key]
            position = await consumer.position(self._partition)
            if seen is not None:
                seen.update(change.key for change in batch)
                if position >= end:
                    batch += self._gone(seen)
                    seen = None
            await self._take(batch, position)
            if seen is None:
                self._ready.set()
                self._note_age(consumer, position)
            self._demand_life(consumer, started)

    async def _span(self, consumer: AIOKafkaConsumer) -> tuple[int, int]:
        first = await consumer.beginning_offsets([self._partition])
        end = await consumer.end_offsets([self._partition])
        return first[self._partition], end[self._partition]

    async def _take(self, batch: Sequence[Change], position: int) -> None:
        changes = self._state.apply(batch)
        self._unsaved.update((change.key, change.value) for change in changes)
        await self._save(position)
        for listener in self._listeners if changes else ():
            try:
                answer = listener(changes)
                if inspect.isawaitable(answer):
                    await answer
            except Exception:
                _log.exception("a listener of the catalogue failed")

    def _gone(self, seen: set[bytes]) -> list[Change]:
        """Return the ends of what a snapshot knew and the topic doesn't. An empty topic is a loss, not news."""
        return [Change(key, None) for key in self._state.known() - seen] if seen else []

    async def _save(self, position: int) -> None:
        if self._snapshots is None:
            self._unsaved.clear()
        if not self._unsaved or self._snapshots is None:
            return
        try:
            await self._snapshots.save(list(self._unsaved.items()), position)
        except Exception as error:
            defect = None if isinstance(error, CiviloopError) else error
            _log.warning("the catalogue's snapshot can't be kept now: %s", error, exc_info=defect)
        else:
            self._unsaved.clear()

    def _note_age(self, consumer: AIOKafkaConsumer, position: int) -> None:
        highwater, polled_ms = consumer.highwater(self._partition), consumer.last_poll_timestamp(self._partition)
        if highwater is None or polled_ms is None:
            return
        if position >= highwater:
            self._current_at = time.monotonic() - max(0.0, time.time() - polled_ms / 1000)

    def _demand_life(self, consumer: AIOKafkaConsumer, started: float) -> None:
        """Fail when the consumer was given no answer for too long: it may never fetch again."""
        polled_ms = consumer.last_poll_timestamp(self._partition) or 0
        if time.time() - max(started, polled_ms / 1000) > _SILENT_S:
            raise KafkaError("no answer from the broker for too long")
