"""The HTTP contract of feedback-api."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest
from fastapi import FastAPI

from civiloop_shared.edge.policy import PUBLIC
from civiloop_shared.edge.router import EdgeRoute
from civiloop_shared.edge.walk import walk_routes
from feedback_api.bootstrap import build_app
from feedback_api.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.fixture
def app() -> FastAPI:
    return build_app(
        Settings(
            DATABASE_URL="postgresql://nobody@127.0.0.1:9/none",
            KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9",
            contact_key="A" * 43,
            receipt_secret="r" * 32,
        )
    )


def routes(app: FastAPI) -> list[EdgeRoute]:
    return [route for route in app.router.routes if isinstance(route, EdgeRoute)]


def test_every_route_declares_permission_limit_cap_timeout_example_and_errors(app: FastAPI) -> None:
    assert walk_routes(app) == []


def test_only_receipts_and_operations_need_no_key(app: FastAPI) -> None:
    public = {route.path for route in routes(app) if route.policy.permission is PUBLIC}
    ours = {path for path in public if path.startswith("/v1/")}
    assert ours == {"/v1/receipts/{receipt}"}


def test_every_declared_error_has_a_status_below_500(app: FastAPI) -> None:
    statuses = {
        error.code: app.state.edge.errors.status_of(error) for route in routes(app) for error in route.policy.errors
    }
    assert statuses == {
        "id-reused": 409,
        "erased": 409,
        "idempotency-key-reused": 409,
        "in-flight": 409,
        "not-found": 404,
    }


@pytest.mark.requirement("B13")
def test_the_committed_openapi_document_is_the_one_the_app_gives(app: FastAPI) -> None:
    document = json.loads(json.dumps(app.openapi()))
    if os.environ.get("CIVILOOP_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == document, (
        "run the test with CIVILOOP_WRITE_SNAPSHOTS=1 and look at the difference"
    )


def test_bodies_are_documented_without_references_into_nowhere(app: FastAPI) -> None:
    assert "$defs" not in json.dumps(app.openapi())


def test_every_example_of_a_body_fits_its_schema(app: FastAPI) -> None:
    checked = 0
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                jsonschema_rs.validate(content["schema"], content["example"])
                checked += 1
    assert checked == 4
