"""What can't be read, is too large, comes to the wrong place or without the right key: refused, and nothing changes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import CANARY, Refused, assert_problem
from tests.support.two_bodies import FOREIGN, SERVICE, Stored, TwoBodies

TAKEN_IN = ("feedback.feedback", "feedback.received")
JSON = {"Content-Type": "application/json"}
SERVICES = ("feedback", "collector", "engine", "reporting")
INTAKE = (
    ("feedback", "/v1/feedback"),
    ("feedback", "/v1/feedback/batch"),
    ("collector", "/v1/journeys"),
    ("collector", "/v1/measurements"),
)
TAKING = (
    *INTAKE,
    ("engine", "/v1/catalogue/plan"),
    ("engine", "/v1/catalogue/apply"),
    ("engine", "/v1/keys"),
    ("engine", f"/v1/services/{SERVICE}/evaluations"),
    ("engine", "/v1/dead-letters/replay"),
    ("engine", "/v1/rebuild"),
)
"""Every route that takes a body."""
READING = (
    ("feedback", "/v1/ledger"),
    ("engine", "/v1/catalogue"),
    ("engine", "/v1/kpis"),
    ("engine", "/v1/ledger"),
    ("engine", "/v1/dead-letters"),
    ("engine", f"/v1/services/{SERVICE}/scorecard"),
    ("engine", f"/v1/services/{SERVICE}/evaluations"),
    ("reporting", "/v1/services"),
    ("reporting", f"/v1/services/{SERVICE}/scorecard"),
    ("reporting", f"/v1/services/{SERVICE}/kpis/csat/series"),
    ("reporting", f"/v1/services/{SERVICE}/evaluations"),
    ("reporting", f"/v1/services/{SERVICE}/redesign"),
)
UNREADABLE = {
    "broken JSON": f'{{"service": "{CANARY}'.encode(),
    "nothing": b"",
    "blanks": b" \n\t ",
    "two documents": f'{{}} "{CANARY}"'.encode(),
    "single quotes": f"{{'comment': '{CANARY}'}}".encode(),
    "a byte order mark": b'\xef\xbb\xbf{"comment": "' + CANARY.encode() + b'"}',
    "UTF-16": f'{{"comment": "{CANARY}"}}'.encode("utf-16"),
    "bytes that are no UTF-8": b'{"comment": "' + CANARY.encode() + b'\xff"}',
    "a lone surrogate": f'{{"comment": "{CANARY}\\ud800"}}'.encode(),
    "NUL": f'{{"comment": "{CANARY}\\u0000"}}'.encode(),
    "NUL in a name": f'{{"{CANARY}\\u0000": 1}}'.encode(),
    "NaN": b'{"rating": NaN}',
    "Infinity": b'{"rating": Infinity}',
    "minus Infinity": b'{"rating": -Infinity}',
    "a number beyond every float": b'{"rating": 1e999}',
    "an integer of more than 64 bits": b'{"rating": 123456789012345678901234567890}',
    "an integer of 4,000 digits": b'{"rating": ' + b"9" * 4_000 + b"}",
    "the same key twice": f'{{"comment": "{CANARY}", "comment": "b"}}'.encode(),
    "the same key twice, once escaped": b'{"rating": 4, "r\\u0061ting": 5}',
    "lists nested 33 deep": b"[" * 34 + b"]" * 34,
    "lists nested 2,000 deep": b"[" * 2_000,
    "objects nested 100 deep": b'{"a":' * 100 + b"1" + b"}" * 100,
}


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
def test_a_body_that_no_two_readers_read_alike_is_malformed(
    refused: Refused, service: str, path: str, what: str
) -> None:
    refused(service, "POST", path, 400, "malformed", content=UNREADABLE[what], headers=JSON)


@pytest.mark.parametrize("content", [b"null", b"1", b"true", b'"xq7canary"', b"[]", b'["xq7canary"]'], ids=repr)
@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
def test_a_body_of_the_wrong_type_is_named_as_such(refused: Refused, service: str, path: str, content: bytes) -> None:
    answer = refused(service, "POST", path, 422, "invalid", content=content, headers=JSON)

    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", CANARY]
)
@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
def test_a_body_of_another_media_type_is_not_taken(refused: Refused, service: str, path: str, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = refused(service, "POST", path, 415, "unsupported-media-type", content=b"{}", headers=headers)

    assert "application/json" in answer.json()["detail"], "what would be taken is told"


@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
def test_ten_megabytes_are_refused_before_they_are_sent(
    bodies: TwoBodies, stored: Stored, service: str, path: str
) -> None:
    before = stored.take()
    started = time.monotonic()
    answer = answer_to_head(bodies, service, path, "Content-Length: 10485760")

    assert time.monotonic() - started < 1.5
    assert_problem(answer, 413, "too-large")
    assert stored.take() == before


@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
def test_ten_megabytes_in_pieces_are_refused_when_the_cap_is_passed(
    bodies: TwoBodies, stored: Stored, service: str, path: str
) -> None:
    before = stored.take()
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 65_536
            yield b" " * 65_536

    try:
        answer = bodies.call(service, "POST", path, content=pieces(), headers=JSON)
    except httpx.WriteError:
        pytest.skip("the answer was cut off by the reset of the connection")
    assert_problem(answer, 413, "too-large")
    assert sent <= 10 * 1024 * 1024
    assert stored.take() == before


@pytest.mark.parametrize(("service", "path"), READING, ids=[f"{service} {path}" for service, path in READING])
def test_a_body_where_none_is_taken_is_too_large(refused: Refused, service: str, path: str) -> None:
    refused(service, "GET", path, 413, "too-large", content=CANARY.encode())


@pytest.mark.parametrize("value", ["-1", "1e3", "0x10", "99999999999999999999", "4, 4", CANARY])
def test_a_length_that_is_no_number_is_refused(bodies: TwoBodies, value: str) -> None:
    answer = answer_to_head(bodies, "feedback", "/v1/feedback", f"Content-Length: {value}")

    assert answer.status_code in {400, 413}
    assert CANARY not in answer.text


@pytest.mark.parametrize("service", SERVICES)
def test_two_ways_of_telling_the_length_are_one_too_many(bodies: TwoBodies, service: str) -> None:
    """A proxy that believes the other one would see two requests where we see one."""
    answer = answer_to_head(
        bodies, service, "/v1/ledger", "Content-Length: 4\r\nTransfer-Encoding: chunked", body="0\r\n\r\n"
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
@pytest.mark.parametrize("path", [f"/{CANARY}", f"/v1/{CANARY}", "/v1/feedback/", "//v1/ledger", "/%00"])
def test_an_unknown_path_leads_nowhere(refused: Refused, service: str, method: str, path: str) -> None:
    refused(service, method, path, 404, "not-found")


@pytest.mark.parametrize(("service", "path"), TAKING, ids=[path for _, path in TAKING])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_an_unknown_method_is_answered_with_the_known_ones(
    refused: Refused, service: str, path: str, method: str
) -> None:
    answer = refused(service, method, path, 405, "method-not-allowed")

    assert "POST" in answer.headers["allow"]


WRONG_KEYS = {
    "no key": "none",
    "nothing": "",
    "another system's token": f"eyJhbGciOiJub25lIn0.{CANARY}.",
    "a key that nobody has": "civ_abcdefghijkl_" + "A" * 43,
    "a revoked key": "revoked",
    "half a key": "civ_abc",
    "a key of 60 kB": "civ_abc_" + "A" * 60_000,
    "letters beyond Latin": "civ_ä_ö",
}


@pytest.mark.requirement("B22")
@pytest.mark.parametrize("what", WRONG_KEYS)
@pytest.mark.parametrize(
    ("service", "method", "path"),
    [*((service, "POST", path) for service, path in TAKING), *((service, "GET", path) for service, path in READING)],
)
def test_without_a_good_key_nothing_is_told_or_taken(
    refused: Refused, service: str, method: str, path: str, what: str
) -> None:
    key = WRONG_KEYS[what]
    headers = None if key in {"none", "revoked"} else {"Authorization": f"Bearer {key}".strip().encode()}
    answer = refused(service, method, path, 401, "unauthorised", key=key if not headers else "none", headers=headers)

    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"] == []


@pytest.mark.parametrize("scheme", ["Basic {}", "bearer", "{}", "Bearer {} {}", "Bearer{}"])
def test_a_good_key_in_the_wrong_clothes_is_none(refused: Refused, bodies: TwoBodies, scheme: str) -> None:
    headers = {"Authorization": scheme.replace("{}", bodies.keys["admin"])}
    refused("feedback", "GET", "/v1/ledger", 401, "unauthorised", key="none", headers=headers)


@pytest.mark.requirement("B22")
@pytest.mark.parametrize(
    ("key", "service", "method", "path"),
    [
        *(("reader", service, "POST", path) for service, path in TAKING),
        *(("browser", service, "GET", path) for service, path in READING),
        *(("feedback", service, "GET", path) for service, path in READING),
        *(("feedback", service, "POST", path) for service, path in TAKING if service != "feedback"),
        *(("telemetry", service, "POST", path) for service, path in TAKING if service != "collector"),
        *(("steward", service, "POST", path) for service, path in INTAKE),
        ("steward", "engine", "POST", "/v1/keys"),
        ("steward", "engine", "GET", "/v1/keys"),
        ("steward", "engine", "DELETE", "/v1/keys/abcdefghijkl"),
    ],
)
def test_a_key_without_the_scope_may_not(refused: Refused, key: str, service: str, method: str, path: str) -> None:
    answer = refused(service, method, path, 403, "forbidden", key=key)

    assert "needs the scope" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("service", "path", "code"),
    [
        ("engine", f"/v1/services/{FOREIGN}/scorecard", "unknown-service"),
        ("engine", f"/v1/services/{FOREIGN}/evaluations", "unknown-service"),
        ("engine", f"/v1/services/{FOREIGN}/redesign", "unknown-service"),
        ("engine", f"/v1/services/{FOREIGN}/kpis/csat/series", "unknown-service"),
        ("reporting", f"/v1/services/{FOREIGN}/scorecard", "unknown-service"),
        ("reporting", f"/v1/services/{FOREIGN}/evaluations", "unknown-service"),
        ("reporting", f"/v1/services/{FOREIGN}/redesign", "unknown-service"),
        ("reporting", f"/v1/services/{FOREIGN}/kpis/csat/series", "unknown-service"),
    ],
)
def test_another_bodys_service_is_as_unknown_as_one_that_does_not_exist(
    refused: Refused, service: str, path: str, code: str
) -> None:
    foreign = refused(service, "GET", path, 404, code).json()
    unknown = refused(service, "GET", path.replace(FOREIGN, "no-such-service"), 404, code).json()

    assert {**foreign, "trace_id": ""} == {**unknown, "trace_id": ""}


@pytest.mark.parametrize("service", ["engine", "reporting"])
def test_a_key_for_other_services_may_not_read_this_one(refused: Refused, service: str) -> None:
    refused(service, "GET", f"/v1/services/{SERVICE}/scorecard", 403, "forbidden", key="elsewhere")


def test_another_bodys_keys_can_be_neither_seen_nor_revoked(refused: Refused, bodies: TwoBodies) -> None:
    foreign = bodies.keys["foreign"].split("_")[1]

    assert foreign not in bodies.call("engine", "GET", "/v1/keys").text
    refused("engine", "DELETE", f"/v1/keys/{foreign}", 404, "unknown-key")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_headers_without_measure_are_refused(bodies: TwoBodies, service: str, size: int) -> None:
    answer = answer_to_head(bodies, service, "/v1/ledger", f"X-Large: {CANARY}{'a' * size}")

    assert_problem(answer, 431, "headers-too-large")


@pytest.mark.parametrize("service", SERVICES)
def test_an_address_without_measure_is_refused(bodies: TwoBodies, service: str) -> None:
    answer = answer_to_head(bodies, service, f"/v1/services?cursor={CANARY}{'a' * 200_000}", "X-A: b")

    assert_problem(answer, 431, "headers-too-large")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "sent", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n"]
)
def test_what_is_no_http_is_refused_and_the_service_goes_on(bodies: TwoBodies, service: str, sent: bytes) -> None:
    assert b" 400 " in exchange(bodies.url(service), sent).partition(b"\r\n")[0]
    assert bodies.call(service, "GET", "/healthz").status_code == 200


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("code", ["malformed", "invalid", "unauthorised", "forbidden", "not-found", "too-large"])
def test_every_code_is_explained_at_the_address_that_the_problem_names(
    bodies: TwoBodies, service: str, code: str
) -> None:
    explained = bodies.call(service, "GET", f"/problems/{code}", key="none").json()

    assert explained["code"] == code
    assert explained["explanation"]


def test_the_counts_of_these_tests_see_what_is_taken(bodies: TwoBodies, stored: Stored) -> None:
    """If this fails, all others that demand that nothing changed mean nothing."""
    before = stored.take()
    item = {"service": SERVICE, "channel": "web", "rating": 4}
    assert bodies.call("feedback", "POST", "/v1/feedback", json=item).status_code == 202
    deadline = time.monotonic() + 10
    while (after := stored.take()) != {name: n + (name.endswith(TAKEN_IN)) for name, n in before.items()}:
        assert time.monotonic() < deadline, f"{before} became {after}"
        time.sleep(0.05)


def answer_to_head(bodies: TwoBodies, service: str, path: str, header: str, body: str = "") -> httpx.Response:
    """Send the head of a POST request, and the body only if given; return the answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bodies.keys['admin']}\r\n"
    sent = f"{head}Content-Type: application/json\r\n{header}\r\n\r\n{body}"
    received = exchange(bodies.url(service), sent.encode())
    first, _, rest = received.partition(b"\r\n")
    lines, _, content = rest.partition(b"\r\n\r\n")
    pairs = [line.split(b": ", 1) for line in lines.split(b"\r\n")]
    headers = [(name, value) for name, value in pairs if name.lower() != b"transfer-encoding"]
    if b"transfer-encoding: chunked" in lines.lower():
        content = content.partition(b"\r\n")[2].partition(b"\r\n")[0]
    return httpx.Response(int(first.split()[1]), headers=headers, content=content)


def exchange(url: str, sent: bytes) -> bytes:
    """Return all that is received for what is sent, until the answer is complete or five seconds have passed."""
    address = urlsplit(url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.settimeout(2.5)
        try:
            connection.sendall(sent)
            while piece := connection.recv(65_536):
                received += piece
                if b"\r\n\r\n" in received and b"}" in received:
                    break
        except (TimeoutError, ConnectionError):
            pass
    return received
