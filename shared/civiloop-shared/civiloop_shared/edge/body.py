"""Reading a body within its cap, and the budget of bytes that all requests together may hold."""

from __future__ import annotations

import time

from starlette.types import Receive

from civiloop_shared.errors import MalformedError, OverloadedError, TooLargeError

_LINGER_BYTES = 4 * 1024 * 1024
_LINGER_SECONDS = 1.0


class ClientGoneError(Exception):
    """The client went away before its body was complete; there is nobody to answer."""


class BodyBudget:
    """Counts the body bytes that are held; refuses more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def reserve(self, size: int) -> None:
        """Take bytes of the budget. Raises ``OverloadedError`` when it is used up."""
        if self.held + size > self._most:
            raise OverloadedError("too much is being received at once", retry_after=1.0)
        self.held += size

    def release(self, size: int) -> None:
        """Give bytes back."""
        self.held -= size


def declared_length(header: bytes | None, cap: int) -> int:
    """Return the announced size of the body (0 when none is). Raises ``TooLargeError`` beyond the cap."""
    if header is None:
        return 0
    if not header.isdigit() or len(header) > 18:
        raise MalformedError("Content-Length is not a number")
    length = int(header)
    if length > cap:
        raise TooLargeError(f"at most {cap} bytes are taken here")
    return length


async def read_body(receive: Receive, cap: int, budget: BodyBudget, reserved: int) -> tuple[bytes, int]:
    """Read the body. Return it and how many bytes of the budget it holds by now (``reserved`` at first).

    Raises ``TooLargeError`` as soon as more than ``cap`` bytes have come, ``OverloadedError`` when the budget is used
    up, ``ClientGoneError`` when the client is; what was reserved beyond ``reserved`` is given back then.
    """
    chunks: list[bytes] = []
    size = 0
    held = reserved
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > cap:
                raise TooLargeError(f"at most {cap} bytes are taken here")
            if size > held:
                budget.reserve(size - held)
                held = size
            chunks.append(chunk)
            if not message.get("more_body", False):
                return (chunks[0] if len(chunks) == 1 else b"".join(chunks)), held
    except BaseException:
        budget.release(held - reserved)
        raise


async def discard_rest(receive: Receive) -> None:
    """Read on for a moment without keeping anything, so that a client that still sends gets to see our answer."""
    size = 0
    until = time.monotonic() + _LINGER_SECONDS
    while size < _LINGER_BYTES and time.monotonic() < until:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        size += len(message.get("body", b""))
