"""The app of reporting without its surroundings, for tests of its shape."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI

from civiloop_shared.auth import KeyRing
from civiloop_shared.observability import Readiness
from reporting.adapters.engine_computation import EngineComputation
from reporting.adapters.postgres_results_store import PostgresResultsStore
from reporting.bootstrap import build_app
from reporting.settings import ReportingSettings


def reporting_app() -> FastAPI:
    """Return the app; its parts are closed, so no request that needs them can be answered."""
    settings = ReportingSettings.model_validate(
        {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "engine_url": "http://127.0.0.1:1",
        }
    )
    closed = cast("Any", None)
    return build_app(
        settings,
        keyring=KeyRing(),
        store=PostgresResultsStore(closed),
        computation=EngineComputation(closed),
        readiness=Readiness("postgresql", "catalogue"),
    )
