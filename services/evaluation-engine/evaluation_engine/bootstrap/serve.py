"""The `serve` process: API and evaluator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.edge import EdgeRouter, create_app
from civiloop_shared.errors import CiviloopError
from civiloop_shared.kafka.producer import DurableProducer, ProducerOptions
from civiloop_shared.kafka.relay import OutboxRelay
from civiloop_shared.observability import Readiness, get_logger, new_registry
from civiloop_shared.postgres.engine import ConnectionOptions, acquire, create_pool
from civiloop_shared.postgres.outbox import PostgresOutboxSource
from evaluation_engine.adapters.catalogue import PostgresCatalogueStore
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.duty import DutyMetrics, PostgresProblemCount
from evaluation_engine.adapters.evaluations import PostgresEvaluationStore
from evaluation_engine.adapters.findings import PostgresFindingStore
from evaluation_engine.adapters.keys import PostgresKeyStore
from evaluation_engine.adapters.measures import PostgresElection, PostgresMeasureReader
from evaluation_engine.adapters.metrics import EvaluatorMetrics
from evaluation_engine.adapters.problems import PostgresProblemStore
from evaluation_engine.adapters.quotes import PostgresPhraseNames, PostgresQuoteReleases, PostgresQuoteSource
from evaluation_engine.adapters.senders import PostgresSenderReader
from evaluation_engine.adapters.trends import PostgresVerdictHistory
from evaluation_engine.adapters.webhooks import PostgresWebhookStore
from evaluation_engine.api import (
    catalogue,
    findings,
    goals,
    health,
    keys,
    needs,
    phrases,
    problems,
    quality,
    quotes,
    redesign,
    results,
    targets,
    themes,
    webhooks,
)
from evaluation_engine.api.ingest_state import IngestState
from evaluation_engine.api.state import EngineState
from evaluation_engine.bootstrap.ingest_desks import ingest_desks, ingest_routers
from evaluation_engine.bootstrap.webhooks import WebhookParts, webhook_parts
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.packs import ALL
from evaluation_engine.service.catalogue.applying import CatalogueDesk
from evaluation_engine.service.catalogue.drafting import Drafting
from evaluation_engine.service.duty import ShowDuty
from evaluation_engine.service.evaluate.backtest import BacktestDesk
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.health import HealthDesk
from evaluation_engine.service.evaluate.knowing import Findings
from evaluation_engine.service.evaluate.live import LiveStatus
from evaluation_engine.service.evaluate.needs import NeedsDesk
from evaluation_engine.service.evaluate.phrasing import PhrasesDesk
from evaluation_engine.service.evaluate.quality import QualityDesk
from evaluation_engine.service.evaluate.quoting import QuoteDesk
from evaluation_engine.service.evaluate.scheduling import Patience, Scheduler
from evaluation_engine.service.evaluate.scorecard import Scorecards
from evaluation_engine.service.evaluate.series import SeriesDesk
from evaluation_engine.service.evaluate.summary import SummaryDesk
from evaluation_engine.service.evaluate.themes import CommentsOfPeriods, ThemesDesk
from evaluation_engine.service.evaluate.trends import Trends
from evaluation_engine.service.evaluate.watching import Watcher
from evaluation_engine.service.keys import KeyDesk
from evaluation_engine.service.problems.burning import Burning, ProblemDesk
from evaluation_engine.settings import EngineSettings

if TYPE_CHECKING:
    from asyncpg import Pool

SCHEMA = "evaluation"


class ServeState(EngineState, IngestState):
    """What requests find: the evaluator's use cases and those beside the workers."""


_KEYS_EVERY_S = 0.7
_USE_EVERY_S = 60.0
_DUTY_EVERY_S = 10.0
_REBUILD_S = 600.0
"""A rebuild holds a partition in one transaction."""
_log = get_logger("civiloop.engine")


def routers() -> list[EdgeRouter]:
    """Return all routers of the engine's API."""
    settled = (catalogue, keys, webhooks)
    known = (results, findings, problems, targets, goals, health, redesign, themes, phrases, quotes, quality, needs)
    return [*(one.router for one in (*settled, *known)), *ingest_routers()]


def build_app(settings: EngineSettings) -> FastAPI:
    """Return the app; what it needs is opened when it starts."""
    registry, ring, readiness = new_registry(), KeyRing(), Readiness("postgresql")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[ServeState]:
        async with opened(settings, ring, readiness, registry) as state:
            yield state

    return create_app(
        title="Civiloop evaluation engine",
        version="1",
        description="Catalogue, keys, scorecards, series, evaluations.",
        settings=settings,
        keyring=ring,
        routers=routers(),
        lifespan=lifespan,
        readiness=readiness,
        metrics_registry=registry,
    )


@dataclass(frozen=True, slots=True)
class Desks:
    """The use cases on one database."""

    catalogue: CatalogueDesk
    keys: KeyDesk
    scorecards: Scorecards
    series: SeriesDesk
    findings: Findings
    themes: ThemesDesk
    phrases: PhrasesDesk
    quotes: QuoteDesk
    quality: QualityDesk
    backtests: BacktestDesk
    yardsticks: Yardsticks
    live: LiveStatus
    trends: Trends
    webhooks: WebhookParts
    burning: Burning
    problems: ProblemDesk
    needs: NeedsDesk
    health: HealthDesk
    summaries: SummaryDesk
    scheduler: Scheduler


def desks(
    pool: Pool[Any], ring: KeyRing, settings: EngineSettings, *, clock: Callable[[], datetime] | None = None
) -> Desks:
    """Put the use cases together. ``clock`` is for tests that must know what time it is."""
    clock = clock or utc_now
    catalogue_store, store, reader = (
        PostgresCatalogueStore(pool),
        PostgresEvaluationStore(pool),
        PostgresMeasureReader(pool),
    )
    yardsticks = Yardsticks(catalogue_store)
    book = ThemeBook.of(read_taxonomy(settings.taxonomy))
    comments = CommentsOfPeriods(PostgresQuoteSource(pool), book, clock)
    releases = PostgresQuoteReleases(pool)
    evaluating = Evaluating(reader, store, clock, book)
    trends = Trends(PostgresVerdictHistory(pool))
    live = LiveStatus(evaluating, store, trends)
    patience = Patience(
        settle=timedelta(seconds=settings.settle_s),
        longest=timedelta(seconds=settings.settle_longest_s),
        pause=timedelta(seconds=settings.revision_pause_s),
        periods=settings.backfill_periods,
    )
    catalogue_desk = CatalogueDesk(catalogue_store, {one.id: one.direction for one in ALL}, clock, book.titles)
    scorecards = Scorecards(yardsticks, evaluating, store, live)
    needed = NeedsDesk(yardsticks, reader, evaluating)
    followed = Findings(yardsticks, PostgresFindingStore(pool))
    return Desks(
        catalogue=catalogue_desk,
        keys=KeyDesk(PostgresKeyStore(pool), ring, settings.body, clock),
        scorecards=scorecards,
        needs=needed,
        health=HealthDesk(store, reader, needed, followed),
        summaries=SummaryDesk(yardsticks, scorecards),
        series=SeriesDesk(yardsticks, reader, evaluating),
        findings=followed,
        themes=ThemesDesk(yardsticks, reader, comments, releases),
        phrases=PhrasesDesk(yardsticks, comments, PostgresPhraseNames(pool), releases),
        quotes=QuoteDesk(yardsticks, comments, releases),
        quality=QualityDesk(yardsticks, reader, PostgresSenderReader(pool), evaluating),
        backtests=BacktestDesk(yardsticks, Drafting(catalogue_desk), reader, evaluating),
        yardsticks=yardsticks,
        live=live,
        trends=trends,
        webhooks=webhook_parts(pool, settings, clock),
        burning=Burning(reader, PostgresProblemStore(pool)),
        problems=ProblemDesk(yardsticks, PostgresProblemStore(pool)),
        scheduler=Scheduler(evaluating, reader, store, patience),
    )


@asynccontextmanager
async def opened(
    settings: EngineSettings, ring: KeyRing, readiness: Readiness, registry: CollectorRegistry
) -> AsyncIterator[ServeState]:
    """Open in order, close in reverse."""
    metrics, duty = EvaluatorMetrics(registry), DutyMetrics(registry)
    async with AsyncExitStack() as stack:
        options = ConnectionOptions(
            application="evaluation-engine serve", max_size=settings.pool_size, transaction_s=_REBUILD_S
        )
        pool = await create_pool(settings.database_url, options)
        stack.push_async_callback(_close, pool)
        found = desks(pool, ring, settings)
        first = settings.first_key()
        if first is not None:
            await found.keys.ensure_first(*first)
        await found.keys.refresh()
        producer = await _relay(stack, settings, metrics)
        watcher = Watcher(
            yardsticks=found.yardsticks,
            election=PostgresElection(settings.database_url),
            reader=PostgresMeasureReader(pool),
            live=found.live,
            scheduler=found.scheduler,
            burning=found.burning,
            observer=metrics,
            clock=utc_now,
            poll_s=settings.poll_s,
        )
        _background(stack, watcher.run(), "evaluator")
        _background(stack, found.webhooks.run(), "webhooks")
        shown = ShowDuty(PostgresProblemCount(pool), PostgresWebhookStore(pool), duty)
        _background(stack, _repeated(shown.refresh, _DUTY_EVERY_S), "duty")
        _background(stack, _repeated(found.keys.refresh, _KEYS_EVERY_S), "keys")
        _background(stack, _repeated(found.keys.note_use, _USE_EVERY_S), "key-use")
        readiness.add_probe("postgresql", lambda: _probe(pool))
        await readiness.refresh()
        yield EngineState(
            catalogue=found.catalogue,
            keys=found.keys,
            scorecards=found.scorecards,
            series=found.series,
            needs=found.needs,
            health=found.health,
            summaries=found.summaries,
            findings=found.findings,
            themes=found.themes,
            phrases=found.phrases,
            quotes=found.quotes,
            quality=found.quality,
            backtests=found.backtests,
            trends=found.trends,
            webhooks=found.webhooks.desk,
            problems=found.problems,
            **ingest_desks(pool, producer, settings.topic_prefix, read_taxonomy(settings.taxonomy), home=settings.body),
        )


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def _relay(stack: AsyncExitStack, settings: EngineSettings, metrics: EvaluatorMetrics) -> DurableProducer:
    producer = DurableProducer(settings.kafka_bootstrap_servers, ProducerOptions(client_id="evaluation-engine"))
    await producer.start()
    stack.push_async_callback(producer.stop)
    source = PostgresOutboxSource(settings.database_url, SCHEMA)
    relay = OutboxRelay(source, producer, topic_prefix=settings.topic_prefix, on_depth=metrics.outbox)
    await relay.start()
    stack.push_async_callback(relay.stop)
    return producer


def _background(stack: AsyncExitStack, work: Any, name: str) -> None:
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


async def _repeated(step: Callable[[], Awaitable[None]], every_s: float) -> None:
    said = ""
    while True:
        await asyncio.sleep(every_s)
        try:
            await step()
            said = ""
        except CiviloopError as error:
            if said != error.code:
                _log.warning("a background task waits", error=str(error))
            said = error.code


async def _probe(pool: Pool[Any]) -> None:
    async with acquire(pool) as connection:
        await connection.execute("SELECT 1")


async def _close(pool: Pool[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5.0):
            await pool.close()
    pool.terminate()
