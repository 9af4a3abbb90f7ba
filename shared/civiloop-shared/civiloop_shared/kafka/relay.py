"""Moves an outbox to Kafka: in order, at least once, for as long as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from civiloop_shared.errors import CiviloopError
from civiloop_shared.kafka.lanes import Headers
from civiloop_shared.kafka.producer import DurableProducer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record that waits for Kafka. ``seq`` orders the rows, ``topic`` is without prefix."""

    seq: int
    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """How many rows wait, and since when the oldest does."""

    rows: int
    oldest_at: datetime | None


class OutboxSource(Protocol):
    """Where the rows come from."""

    async def fetch(self, limit: int) -> Sequence[OutboxRow]:
        """Return the oldest rows by ``seq``; none also when another replica is the one that relays now."""

    async def done(self, rows: Sequence[OutboxRow]) -> None:
        """Take rows out. When this returns they are gone for good."""

    async def depth(self) -> OutboxDepth:
        """Count what waits."""

    async def release(self) -> None:
        """Let another replica relay; ``fetch`` may be called again."""


@dataclass(slots=True)
class RelayState:
    """What metrics show."""

    relayed: int = 0
    failures: int = 0
    last_error: str | None = None
    depth: OutboxDepth = field(default_factory=lambda: OutboxDepth(0, None))


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """How the relay behaves; times in seconds."""

    batch: int = 1_000
    idle_s: float = 0.1
    longest_backoff_s: float = 5.0
    deadline_s: float = 10.0
    depth_every_s: float = 5.0


class OutboxRelay:
    """Relays one source. A row leaves it only after Kafka has acknowledged it; what is unknown is sent again.

    ``on_depth`` is told about the depth every ``depth_every_s``.
    """

    def __init__(
        self,
        source: OutboxSource,
        producer: DurableProducer,
        *,
        topic_prefix: str = "",
        options: RelayOptions | None = None,
        on_depth: Callable[[OutboxDepth], None] | None = None,
    ) -> None:
        self._source = source
        self._producer = producer
        self._prefix = topic_prefix
        self._options = options or RelayOptions()
        self._on_depth = on_depth
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.state = RelayState()

    async def start(self) -> None:
        """Relay in the background until ``stop``."""
        self._tasks = [
            asyncio.create_task(self._run(), name="outbox-relay"),
            asyncio.create_task(self._measure(), name="outbox-depth"),
        ]

    def wake(self) -> None:
        """Say that a row was committed, so that it needn't wait for the next look."""
        self._wake.set()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """End; a batch under way is given up after ``timeout_s`` and sent again after the next start."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        with contextlib.suppress(CiviloopError):
            await self._source.release()

    async def relay_once(self) -> int:
        """Move one batch and return its size; 0 when nothing waits here."""
        rows = await self._source.fetch(self._options.batch)
        start = 0
        while start < len(rows):
            end = start + 1
            while end < len(rows) and rows[end].topic == rows[start].topic:
                end += 1
            part = rows[start:end]
            records = [(row.key, row.value, row.headers) for row in part]
            await self._producer.send_batch(self._prefix + part[0].topic, records, deadline_s=self._options.deadline_s)
            await self._source.done(part)
            self.state.relayed += len(part)
            start = end
        return len(rows)

    async def _run(self) -> None:
        backoff_s = self._options.idle_s
        while True:
            self._wake.clear()
            try:
                moved = await self.relay_once()
            except Exception as error:
                self._note(error)
                await self._hold(backoff_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret
                backoff_s = min(2 * backoff_s, self._options.longest_backoff_s)
                continue
            backoff_s, self.state.last_error = self._options.idle_s, None
            if moved < self._options.batch:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._options.idle_s):
                        await self._wake.wait()

    async def _hold(self, seconds: float) -> None:
        """Wait, at most until the broker is back."""
        if self._producer.ready:
            await asyncio.sleep(seconds)
        else:
            await self._producer.wait_ready(seconds)

    def _note(self, error: Exception) -> None:
        self.state.failures += 1
        reason = error.code if isinstance(error, CiviloopError) else type(error).__name__
        if self.state.last_error != reason:
            defect = None if isinstance(error, CiviloopError) else error
            _log.warning("outbox relay waits: %s", error, exc_info=defect)
        self.state.last_error = reason

    async def _measure(self) -> None:
        while True:
            with contextlib.suppress(CiviloopError):
                self.state.depth = await self._source.depth()
                if self._on_depth is not None:
                    self._on_depth(self.state.depth)
            await asyncio.sleep(self._options.depth_every_s)
