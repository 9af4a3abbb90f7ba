"""The event stream on Kafka."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.contracts.topics import Topic
from civiloop_shared.errors import UnknownOutcomeError
from civiloop_shared.kafka.producer import DurableProducer
from metrics_collector.adapters.metrics import StreamMetrics

_HEADERS = list(HEADERS)


class KafkaEventStream:
    """Appends to one topic with ``acks=all``; see ``EventStream`` for what returning guarantees."""

    def __init__(self, producer: DurableProducer, topic: Topic, prefix: str, metrics: StreamMetrics) -> None:
        self._producer = producer
        self._topic = prefix + topic.name
        self._metrics = metrics

    async def append(self, events: Sequence[tuple[bytes, dict[str, Any]]]) -> None:
        """Encode and send, within the producer's deadline."""
        dumps, option = orjson.dumps, orjson.OPT_UTC_Z
        records = [(key, dumps(document, option=option), _HEADERS) for key, document in events]
        started = time.perf_counter()
        try:
            await self._producer.send_batch(self._topic, records)
        except UnknownOutcomeError:
            self._metrics.unknown.inc(len(records))
            raise
        finally:
            self._metrics.seconds.observe(time.perf_counter() - started)
