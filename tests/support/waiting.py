"""Waiting for something to become true, in bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from civiloop_shared.errors import UnavailableError


async def until(condition: Callable[[], bool], timeout_s: float, *, every_s: float = 0.02) -> float:
    """Return after how many seconds ``condition`` held; fail when that takes longer than ``timeout_s``."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < timeout_s, "it did not happen in time"
        await asyncio.sleep(every_s)
    return time.monotonic() - begun


async def insist(attempt: Callable[[], Awaitable[None]], timeout_s: float) -> None:
    """Try until it isn't unavailable any more, as a client does that was told to come again."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await attempt()
        except UnavailableError:
            assert time.monotonic() < deadline, "it stayed unavailable"
            await asyncio.sleep(0.2)
