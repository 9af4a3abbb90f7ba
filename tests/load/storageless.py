"""feedback-api without its storage, and an empty FastAPI endpoint: the references of the intake measurements.

    python -m tests.load.storageless feedback|empty PORT

``feedback`` is the real app with edge, keys, parsing, masking and sealing; only the store says at once that it has kept
everything. Keys and services come from the real catalogue topic.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from civiloop_shared.catalogue import CatalogueFollower
from civiloop_shared.edge import create_app, make_server
from civiloop_shared.observability import Readiness, new_registry
from civiloop_shared.settings import load_settings
from feedback_api.adapters.contact_vault import AesGcmContactVault
from feedback_api.adapters.metrics import IntakeMetrics
from feedback_api.api.feedback import feedback_router
from feedback_api.bootstrap import _new_id, _utc_now
from feedback_api.ports import Claim, Fate, NewFeedback
from feedback_api.service.submit import SubmitFeedback
from feedback_api.settings import Settings


class _Forgetful:
    """A store that keeps nothing."""

    async def append(self, rows: Sequence[NewFeedback], claim: Claim | None) -> Sequence[Fate]:
        return [Fate.NEW] * len(rows)


def feedback_app(settings: Settings) -> FastAPI:
    """Return the intake on a store that keeps nothing."""
    registry = new_registry()
    metrics = IntakeMetrics(registry)
    readiness = Readiness("catalogue")
    catalogue = CatalogueFollower(settings.kafka_bootstrap_servers, topic_prefix=settings.topic_prefix)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, object]]:
        await catalogue.start(wait_s=10)
        readiness.set("catalogue", catalogue.ready)
        yield {}
        await catalogue.stop()

    submit = SubmitFeedback(
        services=catalogue,
        store=_Forgetful(),
        contacts=AesGcmContactVault(settings.contact_key_bytes()),
        receipt_secret=settings.receipt_secret_bytes(),
        clock=_utc_now,
        new_id=_new_id,
    )
    return create_app(
        title="reference",
        version="0",
        settings=settings,
        keyring=catalogue.keys,
        routers=(feedback_router(submit, metrics),),
        lifespan=lifespan,
        readiness=readiness,
        metrics_registry=registry,
    )


def empty_app() -> FastAPI:
    """Return an app with one endpoint that does nothing."""
    app = FastAPI(openapi_url=None)

    @app.post("/empty")
    async def empty() -> dict[str, bool]:
        return {"ok": True}

    return app


def main() -> None:
    """Serve one of the two."""
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "empty":
        uvicorn.run(empty_app(), port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)
        return
    settings = load_settings(Settings).model_copy(update={"port": port})
    asyncio.run(make_server(feedback_app(settings), settings).serve())


if __name__ == "__main__":
    main()
