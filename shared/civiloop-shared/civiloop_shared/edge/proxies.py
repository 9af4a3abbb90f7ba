"""Forwarded addresses are believed only from proxies that the configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Networks = tuple[IPv4Network | IPv6Network, ...]
_MOST_HOPS = 20


def apply_forwarded(scope: Scope, headers: Sequence[tuple[bytes, bytes]], trusted: Networks) -> None:
    """Put the address and scheme of the client into the scope when the peer is a trusted proxy.

    ``X-Forwarded-For`` is read from the right: the first address that is not a trusted proxy is the client, so what a
    client wrote into the header itself is never believed.
    """
    client = scope.get("client")
    if not client or not _is_trusted(client[0], trusted):
        return
    forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    hops = [hop.strip() for hop in forwarded.decode("latin-1").split(",") if hop.strip()]
    for hop in reversed(hops[-_MOST_HOPS:]):
        address = _parse(hop)
        if address is None:
            break
        scope["client"] = (str(address), 0)
        if not _is_trusted(str(address), trusted):
            break
    scheme = next((value for name, value in headers if name == b"x-forwarded-proto"), b"")
    if scheme in (b"http", b"https"):
        scope["scheme"] = scheme.decode()


@lru_cache(maxsize=1024)
def _is_trusted(address: str, trusted: Networks) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
