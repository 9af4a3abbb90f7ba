"""The HTTP contract of the evaluation engine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest
from fastapi import FastAPI

from civiloop_shared.auth import Scope
from civiloop_shared.edge.policy import PUBLIC
from civiloop_shared.edge.router import EdgeRoute
from civiloop_shared.edge.walk import walk_routes
from evaluation_engine.bootstrap.serve import build_app
from evaluation_engine.settings import EngineSettings

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.fixture
def app() -> FastAPI:
    return build_app(
        EngineSettings(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    )


def routes(app: FastAPI) -> list[EdgeRoute]:
    return [route for route in app.router.routes if isinstance(route, EdgeRoute)]


def test_every_route_declares_permission_limit_cap_timeout_example_and_errors(app: FastAPI) -> None:
    assert walk_routes(app) == []


def test_nothing_of_the_engine_is_public(app: FastAPI) -> None:
    ours = [route for route in routes(app) if route.path.startswith("/v1/")]
    assert ours
    assert all(route.policy.permission is not PUBLIC for route in ours)


def test_what_changes_something_needs_a_steward_or_an_admin(app: FastAPI) -> None:
    changing = {
        (route.path, method): route.policy.permission
        for route in routes(app)
        for method in (route.methods or set()) - {"GET", "HEAD"}
    }
    assert set(changing.values()) <= {Scope.STEWARD, Scope.ADMIN}
    assert changing["/v1/keys", "POST"] is Scope.ADMIN
    assert changing["/v1/catalogue/apply", "POST"] is Scope.STEWARD


def test_every_declared_error_has_a_status_of_its_own(app: FastAPI) -> None:
    table = app.state.edge.errors
    statuses = {error.code: table.status_of(error) for route in routes(app) for error in route.policy.errors}
    assert all(400 <= status < 500 or status == 503 for status in statuses.values()), statuses
    assert statuses["catalogue-refused"] == 422
    assert statuses["catalogue-changed"] == 409
    assert statuses["unknown-service"] == 404


@pytest.mark.requirement("B13")
def test_the_committed_openapi_document_is_the_one_the_app_gives(app: FastAPI) -> None:
    document = json.loads(json.dumps(app.openapi()))
    if os.environ.get("CIVILOOP_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == document, (
        "run the test with CIVILOOP_WRITE_SNAPSHOTS=1 and look at the difference"
    )


def test_every_example_of_a_body_fits_its_schema(app: FastAPI) -> None:
    document = json.loads(json.dumps(app.openapi()))
    checked = 0
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = {**content["schema"], "components": document["components"]}
                jsonschema_rs.validate(schema, content["example"])
                checked += 1
    assert checked >= 4
