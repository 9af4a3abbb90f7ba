from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from civiloop_shared.auth import Scope, new_key
from tests.unit.civiloop_shared.edge.conftest import Town, key_record

pytestmark = pytest.mark.requirement("B22")

GOOD = b'{"service": "permits", "rating": 4}'


def test_a_key_with_the_scope_is_let_in_and_the_body_comes_from_the_key(town: Town) -> None:
    answer = town.post("/v1/feedback", GOOD)
    assert (answer.status_code, answer.json()) == (202, {"body": "town", "rating": 4.0})


def test_an_endpoint_that_parses_by_itself_answers_and_fails_like_any_other(town: Town) -> None:
    one = b'{"service": "permits", "rating": 4}'
    assert town.post("/v1/direct", b"[" + one + b"]").json() == {"body": "town", "count": 1}
    invalid = town.post("/v1/direct", b'[{"service": "permits", "rating": 9}]')
    assert (invalid.status_code, invalid.json()["errors"][0]["field"]) == (422, "0.rating")
    assert town.post("/v1/direct", b"[" + b",".join([one] * 3) + b"]").json()["code"] == "conflict"


def test_the_caller_can_be_asked_for_as_a_dependency(town: Town) -> None:
    assert town.post("/v1/depends", GOOD).json() == {"body": "town"}


def test_a_key_may_come_in_either_header(town: Town) -> None:
    headers = {"Content-Type": "application/json", "X-API-Key": town.key}
    assert town.client.post("/v1/feedback", content=GOOD, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic dXNlcjpwdw=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer civ_unknown0_" + "A" * 43},
        {"X-API-Key": "civ_unknown0_" + "A" * 43},
        {"X-API-Key": "x" * 5000},
    ],
)
def test_without_a_valid_key_the_answer_is_401(town: Town, headers: dict[str, str]) -> None:
    answer = town.client.post("/v1/feedback", content=GOOD, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthorised"


def test_a_key_without_the_scope_gets_403(town: Town) -> None:
    answer = town.post("/v1/feedback", GOOD, Authorization=f"Bearer {town.reading_key}")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_revoked_key_is_refused_at_the_next_request(town: Town) -> None:
    key = new_key()
    town.ring.add(key_record(key, Scope.FEEDBACK_WRITE))
    authorization = f"Bearer {key.text}"
    assert town.post("/v1/feedback", GOOD, Authorization=authorization).status_code == 202
    town.ring.add(key_record(key, Scope.FEEDBACK_WRITE, revoked_at=datetime.now(UTC)))
    assert town.post("/v1/feedback", GOOD, Authorization=authorization).status_code == 401


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_media_type_is_refused(town: Town, media_type: str) -> None:
    answer = town.post("/v1/feedback", GOOD, **{"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_parameters_and_case_of_the_media_type_do_not_matter(town: Town, media_type: str) -> None:
    assert town.post("/v1/feedback", GOOD, **{"Content-Type": media_type}).status_code == 202


def test_raw_routes_get_their_bytes_as_they_are(town: Town) -> None:
    assert town.post("/v1/raw", b"a;b\n\xff", **{"Content-Type": "text/csv"}).json() == {"size": 5}


def test_the_limit_of_a_key_answers_429_and_says_when_to_come_back(town: Town) -> None:
    statuses = [town.post("/v1/tight", b"{}").status_code for _ in range(2)]
    refused = town.post("/v1/tight", b"{}")
    assert statuses == [200, 200]
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["code"] == "rate-limited"


def test_public_routes_are_limited_by_address(town: Town) -> None:
    assert [town.client.get("/v1/tight").status_code for _ in range(3)] == [200, 200, 429]


def test_limits_are_data(make_town: Callable[..., Town]) -> None:
    town = make_town(limits={"tight": {"per_second": 1, "burst": 5}})
    assert [town.post("/v1/tight", b"{}").status_code for _ in range(6)] == [200] * 5 + [429]


def test_keys_behind_one_address_do_not_share_a_limit(town: Town) -> None:
    for _ in range(200):
        key = new_key()
        town.ring.add(key_record(key, Scope.FEEDBACK_WRITE))
        assert town.post("/v1/tight", b"{}", Authorization=f"Bearer {key.text}").status_code == 200


def test_guessing_keys_is_limited_by_address(make_town: Callable[..., Town]) -> None:
    town = make_town(limits={"unauthenticated": {"per_second": 1, "burst": 3}})
    statuses = [town.post("/v1/feedback", GOOD, Authorization="Bearer x").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert town.post("/v1/feedback", GOOD).status_code == 202


def test_a_route_whose_dependency_is_missing_answers_503_and_others_go_on(town: Town) -> None:
    refused = town.post("/v1/needs", b"{}")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    assert "kafka" in refused.json()["detail"]
    assert town.post("/v1/feedback", GOOD).status_code == 202
    town.readiness.set("kafka", True)
    assert town.post("/v1/needs", b"{}").status_code == 200


def test_an_answer_that_takes_too_long_is_a_503(town: Town) -> None:
    answer = town.client.get("/v1/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "deadline-exceeded")
    assert answer.headers["retry-after"] == "1"


def test_with_too_many_requests_in_flight_health_is_still_answered(make_town: Callable[..., Town]) -> None:
    town = make_town(max_requests_in_flight=1)
    town.app.state.edge.in_flight = 5
    assert town.post("/v1/feedback", GOOD).status_code == 503
    assert town.client.get("/healthz").status_code == 200
