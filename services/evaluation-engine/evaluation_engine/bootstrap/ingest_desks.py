"""Puts together the use cases beside the workers: dead letters, ledger, rebuild, stopped partitions."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.edge import EdgeRouter
from civiloop_shared.kafka.producer import DurableProducer
from evaluation_engine.adapters.books import PostgresBooks
from evaluation_engine.adapters.letter_box import KafkaPublisher, PostgresLetterBox
from evaluation_engine.adapters.rebuild_store import PostgresRebuildStore
from evaluation_engine.adapters.releases import PostgresReleases
from evaluation_engine.api import dead_letters, ledger, partitions, rebuild
from evaluation_engine.api.ingest_state import IngestState
from evaluation_engine.bootstrap.comments import ExtractorOnFirstUse
from evaluation_engine.service.ledger import AuditLedger
from evaluation_engine.service.rebuild import RebuildAggregates
from evaluation_engine.service.releasing import ReleasePartitions
from evaluation_engine.service.replay import ReplayDeadLetters

if TYPE_CHECKING:
    from asyncpg import Pool

    from evaluation_engine.domain.comments.taxonomy import Taxonomy


def ingest_routers() -> list[EdgeRouter]:
    """Return the routers that need an `IngestState`."""
    return [dead_letters.router, ledger.router, partitions.router, rebuild.router]


def ingest_desks(
    pool: Pool[Any], producer: DurableProducer, topic_prefix: str, taxonomy: Taxonomy, *, home: str
) -> IngestState:
    """Return what those routers find in the state of a request; ``home`` is the installation's own body."""
    return IngestState(
        releasing=ReleasePartitions(PostgresReleases(pool), home, lambda: datetime.now(UTC)),
        letters=ReplayDeadLetters(PostgresLetterBox(pool), KafkaPublisher(producer, topic_prefix)),
        ledger=AuditLedger(PostgresBooks(pool)),
        rebuilding=RebuildAggregates(
            PostgresRebuildStore(pool), ExtractorOnFirstUse(taxonomy), lambda: time.time_ns() // 1_000_000
        ),
    )
