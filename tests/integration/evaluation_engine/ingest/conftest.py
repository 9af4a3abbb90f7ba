from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.ingest import Ingest, ingest_on
from tests.support.ingest_worker import Stream, stream_on
from tests.support.platform import Infra


@pytest.fixture
async def ingest(infra: Infra) -> AsyncIterator[Ingest]:
    """Ingest on a database of its own."""
    async with ingest_on(infra) as made:
        yield made


@pytest.fixture
async def stream(infra: Infra, topic_prefix: str) -> AsyncIterator[Stream]:
    """Topics, a database and a producer, without a worker."""
    async with stream_on(infra, topic_prefix) as made:
        yield made
