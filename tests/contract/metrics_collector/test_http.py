"""The HTTP contract of the metrics-collector."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fastapi import FastAPI

from civiloop_shared.edge import Scope, walk_routes
from civiloop_shared.edge.router import EdgeRoute
from metrics_collector.bootstrap import build_app
from metrics_collector.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.fixture
def app() -> FastAPI:
    return build_app(Settings(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9"))


def test_every_route_declares_permission_limit_cap_timeout_example_and_errors(app: FastAPI) -> None:
    assert walk_routes(app) == []


def test_what_writes_needs_the_right_to_write_telemetry_and_kafka(app: FastAPI) -> None:
    routes = {route.path: route.policy for route in app.router.routes if isinstance(route, EdgeRoute)}
    for path in ("/v1/journeys", "/v1/measurements"):
        assert routes[path].permission is Scope.TELEMETRY_WRITE
        assert set(routes[path].requires) == {"catalogue", "kafka"}


def test_every_declared_error_has_a_status_of_its_own(app: FastAPI) -> None:
    declared = {e for route in app.router.routes if isinstance(route, EdgeRoute) for e in route.policy.errors}
    assert {app.state.edge.errors.status_of(error) for error in declared} == {503}


@pytest.mark.requirement("B13")
def test_the_committed_openapi_document_is_the_one_the_app_gives(app: FastAPI) -> None:
    document = app.openapi()
    if os.environ.get("CIVILOOP_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == json.loads(json.dumps(document)), (
        "run the test with CIVILOOP_WRITE_SNAPSHOTS=1 and look at the difference"
    )


def test_bodies_are_documented_without_references_into_nowhere(app: FastAPI) -> None:
    assert "$defs" not in json.dumps(app.openapi())
