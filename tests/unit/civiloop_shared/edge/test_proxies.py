from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from civiloop_shared.edge.proxies import apply_forwarded

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def client_after(peer: str, *forwarded: str, proto: str = "") -> tuple[str, str]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    if proto:
        headers.append((b"x-forwarded-proto", proto.encode()))
    scope: dict[str, Any] = {"client": (peer, 4711), "scheme": "http"}
    apply_forwarded(scope, headers, TRUSTED)
    return scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", ["203.0.113.5"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5, 10.0.0.9"], "203.0.113.5"),
        ("10.0.0.1", ["1.2.3.4", "203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5:8080"], "203.0.113.5"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ],
)
def test_the_client_is_the_last_address_that_a_trusted_proxy_did_not_have(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert client_after(peer, *forwarded)[0] == client


def test_the_scheme_is_taken_from_trusted_proxies_only() -> None:
    assert client_after("10.0.0.1", "203.0.113.5", proto="https")[1] == "https"
    assert client_after("198.51.100.7", "203.0.113.5", proto="https")[1] == "http"
    assert client_after("10.0.0.1", "203.0.113.5", proto="gopher")[1] == "http"
