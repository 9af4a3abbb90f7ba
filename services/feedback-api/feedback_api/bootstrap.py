"""Puts feedback-api together: opens in order, closes in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.contracts.feedback import FeedbackReceived
from civiloop_shared.edge.app import create_app
from civiloop_shared.errors import CiviloopError, UnavailableError
from civiloop_shared.kafka.producer import DurableProducer, ProducerOptions
from civiloop_shared.kafka.relay import OutboxRelay, RelayOptions
from civiloop_shared.observability import Readiness, get_logger, new_registry
from civiloop_shared.postgres.outbox import PostgresOutboxSource
from feedback_api.adapters.contact_vault import AesGcmContactVault
from feedback_api.adapters.feedback_store import PostgresFeedbackStore
from feedback_api.adapters.ledger_store import PostgresLedgerStore
from feedback_api.adapters.metrics import IntakeMetrics
from feedback_api.adapters.read_pool import ReadPool
from feedback_api.adapters.receipt_store import PostgresReceiptStore
from feedback_api.adapters.remembered_store import PostgresRememberedStore
from feedback_api.adapters.snapshot_store import PostgresSnapshotStore
from feedback_api.adapters.write_connection import WriteConnection
from feedback_api.api.feedback import feedback_router
from feedback_api.api.ledger import ledger_router
from feedback_api.api.receipts import receipts_router
from feedback_api.service.ledger import ReadLedger
from feedback_api.service.receipts import EraseFeedback, ShowReceipt
from feedback_api.service.remembering import LetAnswersGo
from feedback_api.service.submit import SubmitFeedback
from feedback_api.settings import Settings

_CATALOGUE_WAIT_S = 3.0
_LET_GO_EVERY_S = 600.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What has to be opened and closed."""

    pool: ReadPool
    store: PostgresFeedbackStore
    catalogue: CatalogueFollower
    producer: DurableProducer
    relay: OutboxRelay
    remembered: LetAnswersGo
    readiness: Readiness


def build_app(settings: Settings) -> FastAPI:
    """Build the app. Nothing is opened before its lifespan begins."""
    registry = new_registry()
    metrics = IntakeMetrics(registry)
    parts = _build_parts(settings, metrics)
    vault = AesGcmContactVault(settings.contact_key_bytes())
    receipts = PostgresReceiptStore(parts.pool)
    submit = SubmitFeedback(
        services=parts.catalogue,
        store=parts.store,
        contacts=vault,
        receipt_secret=settings.receipt_secret_bytes(),
        clock=_utc_now,
        new_id=_new_id,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with _opened(parts):
            yield {}

    return create_app(
        title="Civiloop feedback-api",
        version=version("civiloop-feedback-api"),
        description="Takes what people say about public services on every channel.",
        settings=settings,
        keyring=parts.catalogue.keys,
        routers=(
            feedback_router(submit, metrics),
            receipts_router(ShowReceipt(receipts, vault, parts.catalogue), EraseFeedback(receipts, _utc_now), metrics),
            ledger_router(ReadLedger(PostgresLedgerStore(parts.pool, FeedbackReceived.TYPE))),
        ),
        lifespan=lifespan,
        readiness=parts.readiness,
        metrics_registry=registry,
    )


def _build_parts(settings: Settings, metrics: IntakeMetrics) -> _Parts:
    pool = ReadPool(settings.database_url)
    catalogue = CatalogueFollower(
        settings.kafka_bootstrap_servers,
        topic_prefix=settings.topic_prefix,
        snapshots=PostgresSnapshotStore(pool),
        client_id="feedback-api-catalogue",
    )
    metrics.watch_catalogue(lambda: catalogue.snapshot_age)
    producer = DurableProducer(settings.kafka_bootstrap_servers, ProducerOptions(client_id="feedback-api"))
    relay = OutboxRelay(
        PostgresOutboxSource(settings.database_url, "feedback"),
        producer,
        topic_prefix=settings.topic_prefix,
        options=RelayOptions(batch=500, depth_every_s=2.0),
        on_depth=metrics.outbox,
    )
    readiness = Readiness("postgresql", "catalogue")
    readiness.add_probe("postgresql", pool.probe)
    return _Parts(
        pool=pool,
        store=PostgresFeedbackStore(WriteConnection(settings.database_url), metrics.group),
        catalogue=catalogue,
        producer=producer,
        relay=relay,
        remembered=LetAnswersGo(PostgresRememberedStore(pool), _utc_now),
        readiness=readiness,
    )


@asynccontextmanager
async def _opened(parts: _Parts) -> AsyncIterator[None]:
    """Open what can be opened. Neither Kafka nor PostgreSQL has to be there: both are waited for while running.

    Raises ``UnfitServerError`` when PostgreSQL is there and would lose what it acknowledges.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(parts.pool.close)
        with contextlib.suppress(UnavailableError):
            await parts.pool.open()
        await parts.catalogue.start(wait_s=_CATALOGUE_WAIT_S)
        parts.readiness.set("catalogue", parts.catalogue.ready, "neither a snapshot nor Kafka")
        stack.push_async_callback(parts.catalogue.stop)
        watcher = asyncio.create_task(_watch_catalogue(parts), name="catalogue-readiness")
        stack.callback(watcher.cancel)
        await parts.producer.start()
        stack.push_async_callback(parts.producer.stop)
        await parts.relay.start()
        stack.push_async_callback(parts.relay.stop)
        await parts.store.start()
        stack.push_async_callback(parts.store.stop)
        forgetter = asyncio.create_task(_let_answers_go(parts.remembered), name="remembered-answers")
        stack.callback(forgetter.cancel)
        yield


async def _watch_catalogue(parts: _Parts) -> None:
    while not await parts.catalogue.wait_ready(60.0):
        _log.warning("no catalogue yet: neither a snapshot nor Kafka")
    parts.readiness.set("catalogue", True)


async def _let_answers_go(remembered: LetAnswersGo) -> None:
    """At the start and from time to time; what can't be done now is done the next time."""
    while True:
        try:
            gone = await remembered.let_go()
        except CiviloopError as error:
            _log.warning("answers past their time could not be let go", error=error.code)
        else:
            if gone:
                _log.info("answers past their time are let go", answers=gone)
        await asyncio.sleep(_LET_GO_EVERY_S)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex
