from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, Response
from starlette.testclient import TestClient

from civiloop_shared.auth import KeyRing
from civiloop_shared.edge import EdgeRouter, Limit, create_app, json_response, walk_routes
from civiloop_shared.settings import CommonSettings
from tests.unit.civiloop_shared.edge.conftest import Feedback, Town, policy, reading


def app_of(*routers: EdgeRouter) -> FastAPI:
    return create_app(title="T", version="1", settings=CommonSettings(), keyring=KeyRing(), routers=routers)


async def endpoint() -> Response:
    return json_response({})


async def endpoint_with_body(feedback: Feedback) -> Response:
    return json_response({})


def test_a_service_that_declares_everything_passes(town: Town) -> None:
    assert walk_routes(town.app) == []


def test_an_undeclared_route_is_found_and_the_app_does_not_start() -> None:
    app = app_of()
    app.add_api_route("/sneaked-in", endpoint)
    assert walk_routes(app) == ["GET /sneaked-in: is not declared with a policy"]
    with pytest.raises(RuntimeError, match="sneaked-in"), TestClient(app):
        pass


def test_fastapis_own_documentation_routes_are_found() -> None:
    faults = walk_routes(FastAPI())
    assert any("/docs" in fault for fault in faults)
    assert any("/openapi.json" in fault for fault in faults)


def test_a_mounted_app_is_found() -> None:
    app = app_of()
    app.mount("/static", FastAPI())
    assert walk_routes(app) != []


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ({"limit": Limit("", 1, 1)}, "limit"),
        ({"limit": Limit("x", 0, 1)}, "limit"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"example": None}, "example"),
        ({"body_cap": 10**12}, "body cap"),
        ({"body_cap": 10}, "method that takes a body"),
    ],
)
def test_a_gap_in_a_policy_is_found(overrides: dict[str, Any], fault: str) -> None:
    router = EdgeRouter()
    router.get("/x", policy=reading(**overrides))(endpoint)
    assert any(fault in line for line in walk_routes(app_of(router)))


def test_a_body_without_a_cap_is_found() -> None:
    router = EdgeRouter()
    router.post("/x", policy=policy(body_cap=0))(endpoint_with_body)
    assert walk_routes(app_of(router)) == ["POST /x: takes a body but its cap is 0"]
