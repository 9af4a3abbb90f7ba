from __future__ import annotations

import json

import pytest

from civiloop_shared import errors
from civiloop_shared.edge import ErrorTable
from civiloop_shared.errors import CiviloopError
from tests.unit.civiloop_shared.edge.conftest import Town


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("POST", "/nowhere", 404, "not-found"),
        ("GET", "/v1/feedback/", 404, "not-found"),
        ("DELETE", "/v1/feedback", 405, "method-not-allowed"),
        ("GET", "/v1/things/7", 404, "not-found"),
        ("GET", "/v1/broken", 500, "internal"),
        ("GET", "/problems/unheard-of", 404, "not-found"),
    ],
)
def test_every_failure_is_a_problem_document(town: Town, method: str, path: str, status: int, code: str) -> None:
    answer = town.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"/problems/{code}"
    assert document["errors"] == []
    assert document["trace_id"] == answer.headers["traceparent"].split("-")[1]


def test_405_lists_the_methods_that_are_allowed(town: Town) -> None:
    assert town.client.delete("/v1/feedback").headers["allow"] == "POST"


def test_a_bug_tells_the_caller_and_the_log_nothing_that_a_citizen_wrote(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = town.client.get("/v1/broken")
    assert "what-a-citizen-wrote" not in answer.text
    logged = capsys.readouterr()
    assert "what-a-citizen-wrote" not in logged.out + logged.err
    assert "ValueError" in logged.out + logged.err


def test_each_type_leads_to_an_explanation(town: Town) -> None:
    for code in ("invalid", "rate-limited", "internal", "method-not-allowed", "deadline-exceeded"):
        explanation = town.client.get(f"/problems/{code}").json()
        assert explanation["code"] == code
        assert explanation["explanation"]
        assert 400 <= explanation["status"] < 600


def test_every_shared_error_has_a_status_and_a_code_of_its_own() -> None:
    assert [gap for gap in ErrorTable().gaps() if gap.startswith("civiloop_shared.errors.")] == []
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CiviloopError)]
    assert len({kind.code for kind in tree}) == len(tree)


def test_an_error_that_nobody_gave_a_status_is_found() -> None:
    class OrphanError(CiviloopError):
        code = "orphan"

    class ChildError(OrphanError):
        code = "child"

    assert [gap.rpartition(".")[2] for gap in ErrorTable().gaps(OrphanError)] == ["OrphanError", "ChildError"]
    assert ErrorTable({OrphanError: 409}).gaps(OrphanError) == []
    assert ErrorTable().status_of(OrphanError) == 500
    assert ErrorTable({OrphanError: 409}).status_of(ChildError) == 409


def test_the_problem_is_json_in_utf8(town: Town) -> None:
    json.loads(town.client.get("/nowhere").content.decode("utf-8"))
