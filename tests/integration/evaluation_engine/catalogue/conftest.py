from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.engine import Engine, make_engine
from tests.support.platform import Infra


@pytest.fixture
async def engine(infra: Infra, topic_prefix: str) -> AsyncIterator[Engine]:
    """An engine's database and topics, for one test."""
    made = await make_engine(infra, topic_prefix, topics=False)
    yield made
    await asyncio.to_thread(infra.drop_database, made.database.name)
