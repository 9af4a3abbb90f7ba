"""The composition root of reporting: opens in order, closes in reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge

from civiloop_shared.auth import KeyRing
from civiloop_shared.catalogue.follower import CatalogueFollower
from civiloop_shared.edge import create_app
from civiloop_shared.observability import Readiness, new_registry
from civiloop_shared.postgres.engine import ConnectionOptions, acquire, create_pool
from reporting.adapters.engine_computation import EngineComputation
from reporting.adapters.postgres_results_store import PostgresResultsStore
from reporting.api.evaluations import evaluations_router
from reporting.api.findings import findings_router
from reporting.api.scorecards import scorecards_router
from reporting.api.series import series_router
from reporting.api.services import services_router
from reporting.pages.router import pages_router
from reporting.ports import Computation, ResultsStore
from reporting.service.public_page import PublicPages
from reporting.service.read_results import ReadResults
from reporting.settings import ReportingSettings

VERSION = "0.1.0"
_ENGINE_TIMEOUT_S = 8.0
_CATALOGUE_WAIT_S = 10.0


def build_app(
    settings: ReportingSettings,
    *,
    keyring: KeyRing,
    store: ResultsStore,
    computation: Computation,
    readiness: Readiness,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """Return the app on parts that are open already."""
    read = ReadResults(store, computation)
    return create_app(
        title="Civiloop reporting",
        version=VERSION,
        description="Results as REST and CSV for those who hold a key, and public pages of closed periods.",
        settings=settings,
        keyring=keyring,
        routers=[
            services_router(read),
            scorecards_router(read),
            series_router(read),
            evaluations_router(read),
            findings_router(read),
            pages_router(PublicPages(store)),
        ],
        readiness=readiness,
        metrics_registry=registry,
    )


@asynccontextmanager
async def bootstrap(settings: ReportingSettings) -> AsyncIterator[FastAPI]:
    """Open PostgreSQL, the catalogue and the way to the engine; yield the app; close all."""
    readiness = Readiness("postgresql", "catalogue")
    registry = new_registry()
    async with AsyncExitStack() as stack:
        pool = await create_pool(settings.database_url, ConnectionOptions(application="reporting"))
        stack.push_async_callback(pool.close)
        follower = CatalogueFollower(
            settings.kafka_bootstrap_servers, topic_prefix=settings.topic_prefix, client_id="reporting-catalogue"
        )
        await follower.start(wait_s=_CATALOGUE_WAIT_S)
        stack.push_async_callback(follower.stop)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=settings.engine_url, timeout=_ENGINE_TIMEOUT_S)
        )

        async def ask_postgresql() -> None:
            async with acquire(pool) as connection:
                await connection.execute("SELECT 1")

        async def ask_catalogue() -> None:
            if not follower.ready:
                raise LookupError("the catalogue has not been read yet")

        readiness.add_probe("postgresql", ask_postgresql)
        readiness.add_probe("catalogue", ask_catalogue)
        await readiness.refresh()
        age = Gauge("civiloop_catalogue_age_seconds", "Age of the catalogue as known here", registry=registry)
        age.set_function(lambda: follower.snapshot_age if follower.snapshot_age is not None else float("inf"))
        yield build_app(
            settings,
            keyring=follower.keys,
            store=PostgresResultsStore(pool),
            computation=EngineComputation(client),
            readiness=readiness,
            registry=registry,
        )
