"""Generated requests against the documentation of all four services: every answer is one that is documented."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.platform import Infra, running_platform
from tests.support.two_bodies import FOREIGN, SERVICE, TwoBodies, settle_two_bodies

EXAMPLES = int(os.environ.get("CIVILOOP_SCHEMATHESIS_EXAMPLES") or 25)
"""Requests for each operation and kind; more of them find more."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
FOLDERS = {
    "feedback": "feedback_api",
    "collector": "metrics_collector",
    "engine": "evaluation_engine",
    "reporting": "reporting",
}
CONTRACTS = Path(__file__).parents[1] / "contract"
UNLIMITED = {name: {"per_second": 1e6, "burst": 1_000_000} for name in ("read", "manage", "public", "receipts", "ops")}
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="CIVILOOP_SCHEMATHESIS_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def operations() -> Iterator[tuple[str, str, str]]:
    """Yield every documented operation of every service."""
    for service, folder in FOLDERS.items():
        document = json.loads((CONTRACTS / folder / "openapi.json").read_text(encoding="utf-8"))
        for path, item in document["paths"].items():
            yield from ((service, method, path) for method in item if method != "parameters")


OPERATIONS = list(operations())


@pytest.fixture(scope="module")
def bodies(infra: Infra) -> Iterator[TwoBodies]:
    """A platform of its own: what is generated may change the catalogue, make keys and rebuild."""
    with (
        running_platform(infra, CIVILOOP_LIMITS=json.dumps(UNLIMITED)) as platform,
        httpx.Client(trust_env=False, timeout=30.0) as client,
    ):
        made = settle_two_bodies(platform, client)
        item = {"service": SERVICE, "channel": "web", "rating": 4, "comment": "=1+1"}
        taken = made.call("feedback", "POST", "/v1/feedback", json=item)
        made.call("engine", "POST", f"/v1/services/{SERVICE}/evaluations", json={"period": None})
        KNOWN["receipt"] = ["a" * 32, taken.json()["receipt"]]
        yield made


KNOWN: dict[str, list[str]] = {
    "service_id": [SERVICE, FOREIGN],
    "service": [SERVICE],
    "kpi": ["csat", "mtcf-mean"],
    "key_id": ["abcdefghijkl"],
    "channel": ["web"],
    "period": ["live", "2026-01", "2026"],
    "cursor": [],
}
"""Values that lead deeper than generated ones, by the name of the field. Never the key that is in use."""


@pytest.fixture(scope="module")
def schemas(bodies: TwoBodies) -> dict[str, Any]:
    return {service: load(bodies, service) for service in FOLDERS}


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def load(bodies: TwoBodies, service: str) -> Any:
    """Return the documentation as the running service gives it."""
    document = bodies.call(service, "GET", "/openapi.json", key="none").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=bodies.url(service))
    schema.config.checks.negative_data_rejection.expected_statuses = ["400", "401", "403", "404", "413", "415", "422"]
    return schema


@pytest.mark.requirement("B13")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as documented", "otherwise"])
@pytest.mark.parametrize(("service", "method", "path"), OPERATIONS, ids=[" ".join(one) for one in OPERATIONS])
def test_every_answer_is_one_that_is_documented(
    bodies: TwoBodies,
    schemas: dict[str, Any],
    session: requests.Session,
    service: str,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    operation = schemas[service][path][method]
    judged_one_by_one = path.endswith("/batch")
    if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
        pytest.skip("takes nothing that could be wrong")

    @BOUNDED
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(mode))
        as_it_is = mode is GenerationMode.NEGATIVE
        if not as_it_is and data.draw(st.sampled_from([True, True, False])):
            lead_deeper(case, data)
        if path == "/v1/catalogue/apply" and isinstance(case.body, dict):
            case.body = {**case.body, "keep_missing": True}
        key = data.draw(st.sampled_from(["admin"] * 5 + ["reader", "none"]))
        headers = {} if key == "none" else {"Authorization": f"Bearer {bodies.keys[key]}"}
        accepted = [negative_data_rejection] if judged_one_by_one or repeats(case) else []
        answer = case.call_and_validate(session=session, headers=headers, checks=CHECKS, excluded_checks=accepted)
        assert answer.status_code < 500, "nothing is missing, so nothing is unavailable"

    ask()


def repeats(case: Any) -> bool:
    """Say whether a parameter is given more than once: the last one counts, as everywhere."""
    return any(isinstance(value, list) for value in (case.query or {}).values())


def takes_anything(operation: Any) -> bool:
    """Say whether an operation has a parameter or a body."""
    return bool(operation.body or any(True for _ in operation.iter_parameters()))


def lead_deeper(case: Any, data: st.DataObject) -> None:
    """Replace generated ids, channels and periods by known ones."""
    for part in (case.path_parameters, case.query):
        for name in part or {}:
            if KNOWN.get(name):
                part[name] = data.draw(st.sampled_from(KNOWN[name]))
    case.body = known_within(case.body, data)


def known_within(value: Any, data: st.DataObject) -> Any:
    """Return JSON with known values in its fields."""
    if isinstance(value, list):
        return [known_within(item, data) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: data.draw(st.sampled_from(KNOWN[name])) if KNOWN.get(name) else known_within(item, data)
        for name, item in value.items()
    }
