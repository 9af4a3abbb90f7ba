"""A lean HTTP/1.1 load generator: many connections, one request under way on each, bounded in count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

_CONNECT_S = 5.0


@dataclass(slots=True)
class Outcome:
    """What a run of requests gave. Times are in seconds."""

    answered: int = 0
    refused: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    first_refusal: bytes = b""

    @property
    def per_second(self) -> float:
        """Requests answered with success, a second."""
        return self.answered / self.seconds if self.seconds else 0.0


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the one before is whole."""

    def __init__(self, requests: Iterator[bytes], outcome: Outcome, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._outcome = outcome
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head):
            return
        self._buffer = b""
        self._outcome.latencies.append(time.perf_counter() - self._sent_at)
        if head[9:10] == b"2":
            self._outcome.answered += 1
        else:
            self._outcome.refused += 1
            self._outcome.first_refusal = self._outcome.first_refusal or head + gap + body
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 : head.find(b"\r\n", at) if b"\r\n" in head[at:] else len(head)]) if at >= 0 else 0


def post(url: str, path: str, body: bytes, *, key: str = "") -> bytes:
    """Return the bytes of a POST of JSON."""
    authority = urlsplit(url).netloc
    bearer = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {authority}\r\n{bearer}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(url: str, requests: list[bytes], *, connections: int) -> Outcome:
    """Send all requests over so many connections and return what came of them."""
    parts = urlsplit(url)
    outcome = Outcome()
    source = iter(requests)
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for _ in range(connections):
        done = loop.create_future()
        ends.append(done)
        make = partial(_Connection, source, outcome, done)
        making = loop.create_connection(make, parts.hostname or "", parts.port or 0)
        await asyncio.wait_for(making, _CONNECT_S)
    await asyncio.gather(*ends)
    outcome.seconds = time.perf_counter() - started
    return outcome
