from __future__ import annotations

from typing import Any

import pytest

from tests.unit.civiloop_shared.edge.conftest import Town


@pytest.fixture
def document(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = town.client.get("/openapi.json").json()
    return found


def test_each_operation_documents_every_problem_that_the_edge_can_answer(document: dict[str, Any]) -> None:
    answers = document["paths"]["/v1/feedback"]["post"]["responses"]
    assert set(answers) == {"202", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"}
    for status, answer in answers.items():
        if status != "202":
            assert list(answer["content"]) == ["application/problem+json"]
    assert "Retry-After" in answers["429"]["headers"]


def test_stock_validation_errors_are_gone(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)


def test_security_limits_and_examples_are_told(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/feedback"]["post"]
    assert operation["security"] == [{"bearer": []}, {"apiKey": []}]
    assert operation["x-required-scope"] == "feedback:write"
    assert operation["x-max-body-bytes"] == 4096
    assert operation["requestBody"]["content"]["application/json"]["example"]["rating"] == 4
    assert "security" not in document["paths"]["/v1/slow"]["get"]


def test_the_body_of_an_endpoint_that_parses_by_itself_is_told(document: dict[str, Any]) -> None:
    schema = document["paths"]["/v1/direct"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["items"] == {"$ref": "#/components/schemas/Feedback"}
    assert "Feedback" in document["components"]["schemas"]


def test_media_types_of_raw_routes_are_told(document: dict[str, Any]) -> None:
    assert list(document["paths"]["/v1/raw"]["post"]["requestBody"]["content"]) == ["text/csv"]


def test_the_documentation_page_fetches_nothing_and_shows_every_operation(town: Town) -> None:
    page = town.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "nonce-" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    for path in ("/v1/feedback", "/v1/things/{number}", "/readyz"):
        assert path in page.text
