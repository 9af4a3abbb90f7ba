"""Closing aiokafka clients in bounded time: on their own they wait for ever for a broker that is gone."""

from __future__ import annotations

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

_log = logging.getLogger(__name__)


async def close_producer(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """Flush and close; what isn't in after ``timeout_s`` fails, and the connections are cut."""
    closing = asyncio.create_task(producer.stop())
    await asyncio.wait({closing}, timeout=timeout_s)
    if not closing.done():
        producer._message_accumulator.fail_all(KafkaError("given up while closing"))
        await asyncio.wait({asyncio.create_task(producer.client.close())}, timeout=timeout_s)
    await _finish(closing, timeout_s)


async def close_consumer(consumer: AIOKafkaConsumer, timeout_s: float) -> None:
    """Leave the group and close; after ``timeout_s`` the connections are cut."""
    closing = asyncio.create_task(consumer.stop())
    await asyncio.wait({closing}, timeout=timeout_s)
    if not closing.done():
        await asyncio.wait({asyncio.create_task(consumer._client.close())}, timeout=timeout_s)
    await _finish(closing, timeout_s)


async def _finish(closing: asyncio.Task[None], timeout_s: float) -> None:
    await asyncio.wait({closing}, timeout=timeout_s)
    if not closing.done():
        closing.cancel()
        await asyncio.wait({closing}, timeout=timeout_s)
    if closing.done() and not closing.cancelled() and closing.exception() is not None:
        _log.info("closing a kafka client: %r", closing.exception())
