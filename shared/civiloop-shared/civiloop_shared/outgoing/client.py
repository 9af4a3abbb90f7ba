"""Posts to addresses that somebody else chose, without being led to what is not theirs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import httpx

from civiloop_shared.errors import CiviloopError
from civiloop_shared.outgoing.addresses import fault_of

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Every address of a host."""

_PORTS = {"https": 443, "http": 80}


class OutgoingError(CiviloopError):
    """A call came to nothing: no such host, no connection, no answer in time."""

    code: ClassVar[str] = "outgoing-failed"
    title: ClassVar[str] = "The address could not be called"


class RefusedTargetError(OutgoingError):
    """The address is one that may not be called."""

    code: ClassVar[str] = "outgoing-refused"
    title: ClassVar[str] = "The address may not be called"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a redirect is an answer like any other and is not followed."""

    status: int

    @property
    def success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of a host. Raises ``OutgoingError``."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutgoingError("the host name can't be resolved") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True)
class OutgoingClient:
    """Makes calls. ``allow_private`` is for tests and closed networks: every address is called then, and http too."""

    allow_private: bool = False
    timeout_s: float = 10.0
    resolve: Resolve = resolve
    tls: ssl.SSLContext | None = field(default=None)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Resolve once, check every address, post to a checked one. The body of the answer is not read.

        Raises ``RefusedTargetError`` when any address of the host may not be called, ``OutgoingError`` without answer.
        """
        target = check_url(url, allow_private=self.allow_private)
        try:
            async with asyncio.timeout(self.timeout_s):
                addresses = await self._checked(target)
                return await self._first_that_connects(target, addresses, content, headers)
        except TimeoutError:
            raise OutgoingError(f"no answer within {self.timeout_s:g} s") from None

    async def _checked(self, target: httpx.URL) -> Sequence[str]:
        addresses = await self.resolve(target.host, target.port or _PORTS[target.scheme])
        if not addresses:
            raise OutgoingError("the host name has no address")
        if not self.allow_private:
            for address in addresses:
                fault = fault_of(address)
                if fault is not None:
                    raise RefusedTargetError(f"an address of the host {fault}")
        return addresses

    async def _first_that_connects(
        self, target: httpx.URL, addresses: Sequence[str], content: bytes, headers: Mapping[str, str]
    ) -> Answer:
        for address in addresses:
            try:
                return await self._post(target, address, content, headers)
            except httpx.ConnectError as error:
                failed = error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise OutgoingError(f"no answer ({type(error).__name__})") from error
        raise OutgoingError("no connection") from failed

    async def _post(self, target: httpx.URL, address: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Connect to the address; name and certificate are those of the host."""
        to_address = target.copy_with(host=address)
        named = {**headers, "host": target.netloc.decode("ascii")}
        async with (
            httpx.AsyncClient(
                verify=self.tls or True, trust_env=False, follow_redirects=False, timeout=self.timeout_s
            ) as client,
            client.stream(
                "POST", to_address, content=content, headers=named, extensions={"sni_hostname": target.host}
            ) as answer,
        ):
            return Answer(answer.status_code)


def check_url(url: str, *, allow_private: bool) -> httpx.URL:
    """Return a URL that may be tried. Raises ``RefusedTargetError``; addresses are checked when it is called."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise RefusedTargetError("is no URL") from None
    if target.scheme != "https" and not (allow_private and target.scheme == "http"):
        raise RefusedTargetError("must begin with https://")
    if not target.host:
        raise RefusedTargetError("names no host")
    if target.userinfo:
        raise RefusedTargetError("must not have a user name or password")
    if target.fragment:
        raise RefusedTargetError("must not have a fragment")
    return target
