from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.civiloop_shared.edge.conftest import Town

pytestmark = pytest.mark.requirement("B14")

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_every_answer_carries_the_security_headers(town: Town) -> None:
    for path in ("/healthz", "/nowhere", "/v1/broken"):
        headers = town.client.get(path).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


def test_a_trace_is_taken_up_with_a_span_of_our_own(town: Town) -> None:
    answered = town.client.get("/healthz", headers={"traceparent": PARENT}).headers["traceparent"]
    assert answered.split("-")[1] == PARENT.split("-")[1]
    assert answered.split("-")[2] != PARENT.split("-")[2]


@pytest.mark.parametrize("given", ["", "nonsense", PARENT.upper(), "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_a_broken_trace_is_begun_anew(town: Town, given: str) -> None:
    answered = town.client.get("/healthz", headers={"traceparent": given}).headers["traceparent"].split("-")
    assert len(answered[1]) == 32
    assert answered[1] not in ("0" * 32, PARENT.split("-")[1])


def test_a_request_id_is_kept_when_it_is_harmless(town: Town) -> None:
    assert town.client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert town.client.get("/healthz", headers={"x-request-id": "a b<"}).headers["x-request-id"] != "a b<"


def test_head_is_answered_like_get_without_a_body(town: Town) -> None:
    answer = town.client.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_requests_are_counted_by_route_template_never_by_path(town: Town) -> None:
    town.client.get("/v1/things/123456")
    town.client.get("/nowhere/secret-path")
    metrics = town.client.get("/metrics").text
    assert 'route="/v1/things/{number}"' in metrics
    assert "123456" not in metrics
    assert "secret-path" not in metrics
    assert 'route="(none)"' in metrics


def test_while_the_process_drains_connections_are_closed_and_it_is_not_ready(town: Town) -> None:
    town.readiness.set("kafka", True)
    assert town.client.get("/readyz").status_code == 200
    town.readiness.drain()
    answer = town.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"process": "stopping"}
    assert answer.headers["connection"] == "close"


def test_readiness_names_what_is_missing(town: Town) -> None:
    answer = town.client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, {"kafka": "starting"})


def test_a_dead_process_says_so(town: Town) -> None:
    assert town.client.get("/healthz").status_code == 200
    town.readiness.declare_dead("the consumer stands still")
    assert town.client.get("/healthz").status_code == 503


def test_other_origins_are_let_in_only_when_configured(town: Town, make_town: Callable[..., Town]) -> None:
    origin = {"Origin": "https://portal.example"}
    assert "access-control-allow-origin" not in town.client.get("/healthz", headers=origin).headers
    open_town = make_town(cors_origins="https://portal.example")
    answer = open_town.client.get("/healthz", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://portal.example"
    assert "access-control-allow-credentials" not in answer.headers
    other = open_town.client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
