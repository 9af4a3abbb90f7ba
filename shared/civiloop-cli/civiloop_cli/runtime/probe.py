"""Asking a child whether it is ready; every probe answers '' when it is, or what is missing."""

from __future__ import annotations

import logging
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

PROBE_TIMEOUT_S = 3.0


async def postgres_gap(url: str) -> str:
    """What keeps PostgreSQL from answering a query."""
    try:
        connection = await asyncpg.connect(url, timeout=PROBE_TIMEOUT_S)
        try:
            await connection.fetchval("SELECT 1", timeout=PROBE_TIMEOUT_S)
        finally:
            await connection.close(timeout=PROBE_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return str(error) or type(error).__name__
    return ""


async def kafka_gap(bootstrap_servers: str) -> str:
    """What keeps Kafka from naming a live broker."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=int(PROBE_TIMEOUT_S * 1000))
    try:
        await client.bootstrap()
        return "" if client.cluster.brokers() else "no broker yet"
    except KafkaConnectionError:
        return "no answer yet"
    except (KafkaError, OSError) as error:
        return str(error) or type(error).__name__
    finally:
        await client.close()


async def service_gap(url: str) -> str:
    """What a service's readiness page says is missing."""
    try:
        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return f"no answer yet ({type(error).__name__})"
    return "" if answer.is_success else _missing(answer)


def _missing(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
    except ValueError:
        return f"status {answer.status_code}"
    if isinstance(body, dict):
        for name in ("missing", "detail", "failing", "checks", "status"):
            if body.get(name):
                return f"{name}: {body[name]}"[:160]
    return f"status {answer.status_code}"
