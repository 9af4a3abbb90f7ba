from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.ingest import Ingest, ingest_on
from tests.support.platform import Infra


@pytest.fixture
async def ingest(infra: Infra) -> AsyncIterator[Ingest]:
    """Ingest on a database of its own."""
    async with ingest_on(infra) as made:
        yield made
