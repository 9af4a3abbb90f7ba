"""What takes a while to make is made while the test before still runs, and cleared away while the next one does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

T = TypeVar("T")
QUIET_TIMEOUT_S = 60.0


class Background:
    """One thread that works off what it is given, in order. What fails there fails nobody."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._latest: Future[object] | None = None
        self._closed = False

    def submit(self, work: Callable[[], T]) -> Future[T] | None:
        """Do it later; None once closed."""
        if self._closed:
            return None
        future = self._pool.submit(work)
        self._latest = future  # type: ignore[assignment] # its result is nobody's business
        return future

    def quiet(self) -> None:
        """Wait until nothing is being done, so that nothing is in the way of a server that is to be broken."""
        if self._latest is not None and not self._closed:
            wait([self._latest], QUIET_TIMEOUT_S)

    def close(self) -> None:
        """Leave what was not begun, and wait for what was."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)


class Ahead(Generic[T]):
    """Gives away fresh ones and has one ready. The first is made when it is asked for."""

    def __init__(self, background: Background, make: Callable[[], T]) -> None:
        self._background = background
        self._make = make
        self._ready: Future[T] | None = None
        self._lock = threading.Lock()

    def take(self) -> T:
        """Return one that nobody else has. What could not be made because a server was down is made again now."""
        with self._lock:
            ready, self._ready = self._ready, None
            if ready is None or ready.cancelled() or ready.exception() is not None:
                made = self._make()
            else:
                made = ready.result()
            self._ready = self._background.submit(self._make)
            return made
