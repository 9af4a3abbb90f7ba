"""A producer that says "in" only when all in-sync replicas have the records, never blocks and comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from civiloop_shared.errors import OverloadedError, TooLargeError, UnavailableError, UnknownOutcomeError
from civiloop_shared.kafka.closing import close_producer
from civiloop_shared.kafka.lanes import RECORD_OVERHEAD_BYTES, Headers, Lanes, Record, Ticket

_log = logging.getLogger(__name__)

_PROBE_EVERY_S = 1.0
_PROBE_TIMEOUT_S = 1.5
_STALLED_AFTER_S = 5.0
_LONGEST_BACKOFF_S = 2.0
_START_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 1.0
_DEPENDENCY = "kafka"


@dataclass(frozen=True, slots=True)
class ProducerOptions:
    """How a ``DurableProducer`` behaves.

    ``deadline_s`` bounds one send, ``max_bytes_in_flight`` all sends together, also those whose callers gave up. When
    no broker answers for ``renew_after_s``, what is under way is given up and all connections are made anew.
    """

    client_id: str = "civiloop"
    deadline_s: float = 1.8
    max_bytes_in_flight: int = 64 * 1024 * 1024
    max_record_bytes: int = 900_000
    batch_bytes: int = 512 * 1024
    linger_ms: float = 0.0
    compression: str | None = "zstd"
    request_timeout_ms: int = 5_000
    renew_after_s: float = 60.0


@dataclass(slots=True)
class ProducerCounters:
    """Totals since the start, for metrics."""

    records: int = 0
    refused: int = 0
    unknown: int = 0
    failed_batches: int = 0


class DurableProducer:
    """Idempotent, ``acks=all``. Safe to use from many tasks of one event loop.

    ``generation`` counts the producers made so far: a fatal error, after which aiokafka would refuse for ever, costs
    one generation and nothing else.
    """

    def __init__(self, bootstrap_servers: str, options: ProducerOptions | None = None) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._options = options or ProducerOptions()
        self._lanes: Lanes | None = None
        self._reachable = False
        self._became_ready = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._last_ack = 0.0
        self._stopping = False
        self.in_flight_bytes = 0
        self.generation = 0
        self.counters = ProducerCounters()

    async def start(self, *, wait_s: float = 0.0) -> None:
        """Connect in the background. Waits up to ``wait_s`` for the broker and never fails because it is down."""
        self._supervisor = asyncio.create_task(self._supervise(), name="kafka-producer")
        if wait_s > 0:
            await self.wait_ready(wait_s)

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait until an event can be made durable; False when that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._became_ready.wait()
        return self.ready

    @property
    def ready(self) -> bool:
        """Whether an event can be made durable now: a broker answers and nothing waits too long for its ack."""
        return self._lanes is not None and self._reachable and self._lanes.oldest_age_s() < _STALLED_AFTER_S

    async def send(self, topic: str, key: bytes, value: bytes | None, headers: Headers = ()) -> None:
        """Send one record; see ``send_batch``."""
        await self.send_batch(topic, ((key, value, headers),))

    async def send_batch(self, topic: str, records: Sequence[Record], *, deadline_s: float | None = None) -> None:
        """Send records and return when all of them are durable.

        Raises:
            UnavailableError: the broker is not reachable; nothing was sent.
            OverloadedError: too many bytes are in flight; nothing was sent.
            TooLargeError: one record is too large; nothing was sent.
            UnknownOutcomeError: no ack in time, or an error: all, some or none are or will be stored.
        """
        if not records:
            return
        deadline = time.monotonic() + (deadline_s if deadline_s is not None else self._options.deadline_s)
        size = self._admit(records)
        lanes = await self._lanes_for(topic, deadline)
        ticket = lanes.add(topic, records)
        self.in_flight_bytes += size
        await self._outcome(ticket, deadline)
        self.counters.records += len(records)

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Take nothing more, give what is under way ``timeout_s`` to get in, close within 4 s more."""
        self._stopping = True
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            await lanes.drained(timeout_s)
            lanes.abandon(KafkaError("the producer was stopped"))
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor}, timeout=4 * _CLOSE_TIMEOUT_S)

    def _admit(self, records: Sequence[Record]) -> int:
        size = RECORD_OVERHEAD_BYTES * len(records)
        for key, value, _ in records:
            size += len(key) + (len(value) if value else 0)
        if size > self._options.max_record_bytes:
            self._refuse_large(records)
        if self.in_flight_bytes and self.in_flight_bytes + size > self._options.max_bytes_in_flight:
            self.counters.refused += 1
            raise OverloadedError("too much is waiting for Kafka", dependency=_DEPENDENCY)
        return size

    def _refuse_large(self, records: Sequence[Record]) -> None:
        for key, value, headers in records:
            headers_size = sum(len(name) + len(content) for name, content in headers)
            if len(key) + len(value or b"") + headers_size + RECORD_OVERHEAD_BYTES > self._options.max_record_bytes:
                raise TooLargeError("one event is too large")

    async def _lanes_for(self, topic: str, deadline: float) -> Lanes:
        lanes = self._lanes
        if lanes is None or not self._reachable:
            raise self._unavailable("Kafka can't be reached")
        if not lanes.knows(topic):
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    await lanes.prepare(topic)
            except (TimeoutError, KafkaError) as error:
                raise self._unavailable("Kafka doesn't know the topic") from error
        return lanes

    def _unavailable(self, detail: str) -> UnavailableError:
        self.counters.refused += 1
        return UnavailableError(detail, retry_after=2.0, dependency=_DEPENDENCY)

    async def _outcome(self, ticket: Ticket, deadline: float) -> None:
        done, _ = await asyncio.wait({ticket.outcome}, timeout=max(0.0, deadline - time.monotonic()))
        error = ticket.outcome.result() if done else None
        if not done or error is not None:
            self.counters.unknown += 1
            detail = "Kafka gave no acknowledgement in time" if error is None else "Kafka could not be written"
            raise UnknownOutcomeError(detail, retry_after=2.0, dependency=_DEPENDENCY) from error

    def _settled(self, broken: asyncio.Event, size: int, error: BaseException | None) -> None:
        self.in_flight_bytes -= size
        if error is None:
            self._last_ack = time.monotonic()
            return
        self.counters.failed_batches += 1
        # A failed idempotent batch leaves a gap in the sequence of its partition: this producer can't be used again.
        broken.set()

    async def _supervise(self) -> None:
        backoff_s = 0.1
        while True:
            producer = self._make()
            try:
                async with asyncio.timeout(_START_TIMEOUT_S):
                    await producer.start()
                backoff_s = 0.1
                await self._serve(producer)
            except Exception as error:
                _log.warning("kafka producer can't go on: %r", error)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
            finally:
                await close_producer(producer, _CLOSE_TIMEOUT_S)

    async def _serve(self, producer: AIOKafkaProducer) -> None:
        broken = asyncio.Event()
        settled = partial(self._settled, broken)
        self._lanes = lanes = Lanes(producer, linger_s=self._options.linger_ms / 1000, settled=settled)
        self.generation += 1
        self._set_reachable(True)
        try:
            await self._watch(producer, broken)
            _log.warning("kafka producer generation %d is given up", self.generation)
        finally:
            if self._lanes is lanes:
                self._lanes = None
            self._set_reachable(False)
            lanes.abandon(KafkaError("the producer was given up"))

    async def _watch(self, producer: AIOKafkaProducer, broken: asyncio.Event) -> None:
        """Return when this producer is of no use any more."""
        failure = asyncio.create_task(broken.wait())
        alive_at = time.monotonic()
        try:
            while time.monotonic() - alive_at < self._options.renew_after_s:
                ends = {failure, producer._sender.sender_task}
                done, _ = await asyncio.wait(ends, timeout=_PROBE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    return
                started = time.monotonic()
                alive = await self._probe(producer) or self._last_ack > started
                self._set_reachable(alive)
                if alive:
                    alive_at = time.monotonic()
        finally:
            failure.cancel()

    def _set_reachable(self, reachable: bool) -> None:
        if reachable != self._reachable and not self._stopping:
            _log.log(logging.INFO if reachable else logging.WARNING, "kafka is %s", "back" if reachable else "lost")
        self._reachable = reachable
        (self._became_ready.set if reachable else self._became_ready.clear)()

    @staticmethod
    async def _probe(producer: AIOKafkaProducer) -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                return bool(await producer.client.force_metadata_update())
        except (TimeoutError, KafkaError):
            return False

    def _make(self) -> AIOKafkaProducer:
        options = self._options
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=options.client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=options.batch_bytes,
            compression_type=options.compression,
            request_timeout_ms=options.request_timeout_ms,
            retry_backoff_ms=100,
        )
