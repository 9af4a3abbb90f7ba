"""Child processes that a test may kill, freeze and start again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from civiloop_cli.runtime.child import Child, ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.records import write_records

T = TypeVar("T")
Probe = Callable[[], Awaitable[str]]
READY_TIMEOUT_S = 60.0


def run_sync(make: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine from synchronous code, also when an event loop runs in this thread."""

    async def awaited() -> T:
        return await make()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(awaited())).result()


class Processes:
    """Named child processes that a test may kill, freeze and start again."""

    def __init__(self, data_dir: DataDir) -> None:
        self.data_dir = data_dir
        self._children: dict[str, Child] = {}
        self._probes: dict[str, Probe] = {}

    def add(self, spec: ChildSpec, probe: Probe) -> None:
        """Start a child; see `wait_ready`."""
        self._children[spec.name] = Child(spec)
        self._probes[spec.name] = probe
        self._launch(spec.name)

    def _launch(self, name: str) -> None:
        self._children[name].start()
        write_records(self.data_dir.children, self._children.values())

    @property
    def names(self) -> list[str]:
        """The children, in the order in which they were started."""
        return list(self._children)

    def pid(self, name: str) -> int | None:
        """The process id while it runs."""
        return self._children[name].pid

    def log(self, name: str) -> str:
        """All that the child has written."""
        return self._children[name].spec.log.read_text(errors="replace")

    def wait_ready(self, name: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when the child answers that it is ready; a child that ended meanwhile is started again."""
        child, deadline, gap = self._children[name], time.monotonic() + timeout_s, "not asked yet"
        while time.monotonic() < deadline:
            if child.pid is None:
                # PostgreSQL refuses to start until the last back-end of a killed one is gone.
                self._launch(name)
            gap = run_sync(self._probes[name])
            if not gap and child.pid is not None:
                return
            time.sleep(0.1)
        lines = "\n".join(child.last_lines(40))
        raise AssertionError(f"{name} is not ready after {timeout_s:g} s: {gap}\n{lines}")

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        self._children[name].kill()

    def stop(self, name: str) -> bool:
        """Stop it in order; True when it needed no kill."""
        return self._children[name].stop()

    def start(self, name: str, *, wait: bool = True) -> None:
        """Start it again, on the same port and data."""
        if self._children[name].pid is None:
            self._launch(name)
        if wait:
            self.wait_ready(name)

    def restart(self, name: str) -> None:
        """Stop it in order and start it again."""
        self.stop(name)
        self.start(name)

    def suspend(self, name: str) -> None:
        """SIGSTOP: it keeps its connections and says nothing. PostgreSQL's back-ends go on: suspend those by pid."""
        self._children[name].send(signal.SIGSTOP)
        self._await_stopped(name)

    def _await_stopped(self, name: str) -> None:
        """A signal takes its time: what is sent right after it could still be answered."""
        pid, deadline = self._children[name].pid, time.monotonic() + 2.0
        while pid is not None and time.monotonic() < deadline:
            threads = Path(f"/proc/{pid}/task").glob("*/stat")
            if all(_state(thread) in {"T", "t", "X", "Z"} for thread in threads):
                return
            time.sleep(0.005)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self._children[name].send(signal.SIGCONT)

    def stop_all(self) -> None:
        """Stop all at once, frozen ones too; may be called twice."""
        for name in self._children:
            self.resume(name)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.stop, self._children))
        if self.data_dir.root.exists():
            write_records(self.data_dir.children, self._children.values())


def _state(stat: Path) -> str:
    """The state of a thread as Linux tells it; one that is gone counts as stopped. Elsewhere there are none to ask."""
    with suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()[0]
    return "X"
