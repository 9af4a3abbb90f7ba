"""Catalogues, keys, periods, series and cursors that can't be meant: refused with the reason, and nothing changes."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.conftest import CANARY, Refused
from tests.support.two_bodies import FOREIGN, SERVICE, Stored, TwoBodies

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CATALOGUES = {
    "no YAML": f"kind: [{CANARY}",
    "nothing known": f"kind: {CANARY}\nid: road-permit\n",
    "a list": f"- {CANARY}\n",
    "a text": CANARY,
    "a service without a title": "kind: service\nid: half-a-service\nzone: Europe/Athens\n",
    "a zone that does not exist": "kind: service\nid: half\ntitle: {en: Half}\nzone: Europe/Atlantis\n",
    "a field twice": "kind: service\nid: half\nid: other\ntitle: {en: Half}\nzone: Europe/Athens\n",
    "a target for no KPI": f"kind: target\nid: half\nservice: {SERVICE}\nkpi: {CANARY}\nat_least: 3\norigin: a\n",
    "a target of NaN": f"kind: target\nid: half\nservice: {SERVICE}\nkpi: csat\nat_least: .nan\norigin: a\n",
    "a target of infinity": f"kind: target\nid: half\nservice: {SERVICE}\nkpi: csat\nat_least: .inf\norigin: a\n",
    "an object of Python": "!!python/object/apply:os.system ['true']\n",
    "a billion laughs": BOMB,
    "itself inside itself": "a: &a [*a]\n",
    "lists nested 5,000 deep": "[" * 5_000,
    "objects nested 500 deep": "".join(f"{' ' * depth}a:\n" for depth in range(500)),
    "another body": "kind: body\nid: harbour\ntitle: {en: Ours now}\n",
    "another body's service": f"kind: service\nid: {FOREIGN}\ntitle: {{en: Ours now}}\nzone: UTC\nchannels: [web]\n",
    "an escaped NUL": f'kind: service\nid: half\ntitle: {{en: "{CANARY}\\0"}}\nzone: UTC\nchannels: [web]\n',
    "a lone surrogate": f'kind: service\nid: half\ntitle: {{en: "{CANARY}\\ud800"}}\nzone: UTC\nchannels: [web]\n',
}
KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"scopes": ["read"]}, "label"),
    "an empty label": ({"label": "", "scopes": ["read"]}, "label"),
    "a label of two lines": ({"label": f"{CANARY}\nb", "scopes": ["read"]}, "label"),
    "a label of 101 characters": ({"label": CANARY.ljust(101, "a"), "scopes": ["read"]}, "label"),
    "no scopes": ({"label": "a"}, "scopes"),
    "an empty list of scopes": ({"label": "a", "scopes": []}, "scopes"),
    "a scope that nobody knows": ({"label": "a", "scopes": [CANARY]}, "scopes.0"),
    "scopes that are a text": ({"label": "a", "scopes": "read"}, "scopes"),
    "an empty list of services": ({"label": "a", "scopes": ["read"], "services": []}, "services"),
    "a service that can't be one": ({"label": "a", "scopes": ["read"], "services": [CANARY.upper()]}, "services.0"),
    "a kind that nobody knows": ({"label": "a", "scopes": ["read"], "kind": CANARY}, "kind"),
    "an end without a zone": ({"label": "a", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
    "an end in words": ({"label": "a", "scopes": ["read"], "expires_at": CANARY}, "expires_at"),
    "a body that can't be one": ({"label": "a", "scopes": ["read"], "body": CANARY.upper()}, "body"),
    "its own secret": ({"label": "a", "scopes": ["read"], "secret_sha256": "00"}, "secret_sha256"),
    "an admin of some services": ({"label": "a", "scopes": ["admin"], "services": [SERVICE]}, "body"),
}
PERIODS = [
    *(
        "2026-13",
        "2026-00",
        "0000",
        "9999",
        "9999-12",
        "1969",
        "26-10",
        "2026-1",
        "2026-10-01",
        CANARY,
        "live ",
        "٢٠٢٦",
    ),
    *("2026-10-01/2026-10-01", "2026-11-01/2026-10-01", "0001-01-01/9999-12-31", "2026-10-01/", "/", "2026-10-01/x"),
    *("2026-10-01T00:00:00/2026-11-01T00:00:00", "2026-10-01T12:34:56Z/2026-11-01T00:00:00Z", "9" * 70, "\x00"),
]
SERIES: dict[str, tuple[str, int, str]] = {
    "a KPI that nobody knows": ("/kpis/shoe-size/series", 404, "unknown-kpi"),
    "a KPI that can't be one": (f"/kpis/{CANARY.upper()}/series", 422, "invalid"),
    "a day that does not exist": ("/kpis/csat/series?from=2026-02-30", 422, "invalid"),
    "an hour that does not exist": ("/kpis/csat/series?from=2026-02-03T25:00:00Z", 422, "invalid"),
    "an end before its start": ("/kpis/csat/series?from=2026-10-02&to=2026-10-01", 422, "invalid"),
    "eight thousand years": ("/kpis/csat/series?from=1000-01-01&to=9000-01-01&every=day", 422, "invalid"),
    "a century of quarter hours": (
        "/kpis/csat/series?from=1971-01-01&to=2071-01-01&every=quarter_hour",
        422,
        "invalid",
    ),
    "points of a fortnight": ("/kpis/csat/series?every=fortnight", 422, "invalid"),
    "a dimension that nobody knows": (f"/kpis/csat/series?by={CANARY}", 422, "invalid"),
    "a segment that the service has not": ("/kpis/csat/series?by=segment.shoe-size", 422, "invalid"),
}
POSITIONS: list[Any] = [[], ["a", "b"], [1.5], [None], {"a": 1}, "a", ["\x00"], [2**63], [-(2**63) - 1], [True], [[1]]]
CURSORS = [
    *("x", "%00", "=", "%F0%9F%98%80", "a" * 513, CANARY),
    *(base64.urlsafe_b64encode(json.dumps(position).encode()).decode() for position in POSITIONS),
]
LISTS = (
    ("reporting", "/v1/services"),
    ("reporting", f"/v1/services/{SERVICE}/evaluations"),
)


@pytest.mark.parametrize("what", CATALOGUES)
@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_a_catalogue_with_a_fault_is_refused_with_file_and_reason(refused: Refused, verb: str, what: str) -> None:
    files = {"files": [{"path": "bad.yaml", "text": CATALOGUES[what]}], "keep_missing": True}
    answer = refused("engine", "POST", f"/v1/catalogue/{verb}", 422, "catalogue-refused", json=files)

    assert all("bad.yaml" in fault["field"] for fault in answer.json()["errors"])


@pytest.mark.parametrize("text", ["kind: service\x00", "title: \ud800"], ids=["NUL", "a lone surrogate"])
def test_a_catalogue_with_what_no_text_may_hold_is_malformed(refused: Refused, text: str) -> None:
    content = json.dumps({"files": [{"path": "bad.yaml", "text": text}], "keep_missing": True}).encode()
    headers = {"Content-Type": "application/json"}

    refused("engine", "POST", "/v1/catalogue/apply", 400, "malformed", content=content, headers=headers)


@pytest.mark.requirement("B22")
@pytest.mark.parametrize("what", KEYS)
def test_a_key_that_breaks_a_rule_is_not_made(refused: Refused, what: str) -> None:
    order, field = KEYS[what]

    refused("engine", "POST", "/v1/keys", 422, "invalid", field, json=order)


def test_only_the_installations_own_body_makes_keys_for_others(refused: Refused) -> None:
    order = {"label": "a", "scopes": ["read"], "body": "local"}

    refused("engine", "POST", "/v1/keys", 403, "forbidden", key="foreign", json=order)


@pytest.mark.parametrize("key", ["abcdefghijkl", "civ_abcdefghijkl"])
def test_a_key_that_nobody_has_can_not_be_revoked(refused: Refused, key: str) -> None:
    refused("engine", "DELETE", f"/v1/keys/{key}", 404, "unknown-key")


@pytest.mark.parametrize("key", ["a", "%00", "a" * 100, f"civ_{CANARY}!", "..%2f"])
def test_what_can_not_be_a_key_can_not_be_revoked(refused: Refused, key: str) -> None:
    answer = refused.bodies.call("engine", "DELETE", f"/v1/keys/{key}")

    assert answer.status_code in {404, 422}
    assert CANARY not in answer.text


@pytest.mark.parametrize("period", PERIODS, ids=repr)
@pytest.mark.parametrize("service", ["engine", "reporting"])
def test_a_period_that_can_not_be_is_refused(refused: Refused, service: str, period: str) -> None:
    path = f"/v1/services/{SERVICE}/scorecard?period={quote(period, safe='')}"
    answer = refused(service, "GET", path, 422, "invalid")

    assert answer.json()["errors"][0]["field"].endswith("period")


@pytest.mark.parametrize("period", [*PERIODS[:-1], 7, [], {}, "2099-01"], ids=repr)
def test_a_period_that_can_not_be_is_not_evaluated(refused: Refused, period: Any) -> None:
    path = f"/v1/services/{SERVICE}/evaluations"
    refused("engine", "POST", path, 422, "invalid", "period", json={"period": period})


@pytest.mark.parametrize("what", SERIES)
@pytest.mark.parametrize("service", ["engine", "reporting"])
def test_a_series_that_can_not_be_is_refused(refused: Refused, service: str, what: str) -> None:
    path, status, code = SERIES[what]

    refused(service, "GET", f"/v1/services/{SERVICE}{path}", status, code)


@pytest.mark.parametrize("cursor", CURSORS, ids=lambda cursor: cursor[:20])
@pytest.mark.parametrize(("service", "path"), LISTS, ids=[path for _, path in LISTS])
def test_a_cursor_that_was_not_given_out_is_refused(refused: Refused, service: str, path: str, cursor: str) -> None:
    answer = refused(service, "GET", f"{path}?cursor={cursor}", 422, "invalid")

    assert answer.json()["errors"][0]["field"].endswith("cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "501", "ten", "1.5", "9" * 30, "", "%00", "1e2"])
@pytest.mark.parametrize(("service", "path"), LISTS, ids=[path for _, path in LISTS])
def test_a_page_of_no_sensible_length_is_refused(refused: Refused, service: str, path: str, limit: str) -> None:
    answer = refused(service, "GET", f"{path}?limit={limit}", 422, "invalid")

    assert answer.json()["errors"][0]["field"].endswith("limit")


@pytest.mark.parametrize("service_id", ["A", "a", "road permit", "%00", "a" * 64, "..", "%2e%2e%2f", "-a", "été"])
@pytest.mark.parametrize("service", ["engine", "reporting"])
def test_what_can_not_be_a_service_has_no_scorecard(refused: Refused, service: str, service_id: str) -> None:
    answer = refused.bodies.call(service, "GET", f"/v1/services/{service_id}/scorecard")

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["image/png", "application/xml", "text/csv;q=0", f"text/{CANARY}"])
def test_a_form_that_can_not_be_given_is_not_acceptable(refused: Refused, accept: str) -> None:
    refused("reporting", "GET", "/v1/services", 406, "not-acceptable", headers={"Accept": accept})


@pytest.mark.parametrize("path", ["/services/no-such-service", "/services/no-such-service/results.csv"])
def test_a_page_of_a_service_that_does_not_exist_is_not_found(refused: Refused, path: str) -> None:
    refused("reporting", "GET", path, 404, "unknown-service", key="none")


RECEIPTS = ["a", "a" * 32, "a" * 65, "%00", "%FF%FE", "a%2Fb", "..%2F..", "' OR 1=1 --", "${jndi:ldap://a}"]


@pytest.mark.requirement("B12")
@pytest.mark.parametrize("receipt", RECEIPTS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_receipt_that_nobody_was_given_opens_nothing(
    bodies: TwoBodies, stored: Stored, method: str, receipt: str
) -> None:
    before = stored.take()
    answer = bodies.call("feedback", method, f"/v1/receipts/{receipt}", key="none")

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored.take() == before
