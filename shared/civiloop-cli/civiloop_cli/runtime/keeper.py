"""Keeps children alive: starts them, waits until they are ready, restarts what dies, stops all in reverse order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from civiloop_cli.errors import StartError
from civiloop_cli.progress import Progress, Step
from civiloop_cli.runtime.child import Child, ChildSpec, trim_log
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.records import write_records

Probe = Callable[[], Awaitable[str]]

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STEADY_AFTER_S = 60.0
DEATHS_AT_START = 3
READY_TIMEOUT_S = 120.0
POLL_S = 0.2
TRIM_EVERY_S = 60.0


@dataclass(slots=True)
class _Kept:
    child: Child
    probe: Probe
    deaths: int = 0
    restart_at: float | None = None
    was_ready: bool = False


@dataclass(slots=True)
class Keeper:
    """The children of one supervisor, in the order in which they were started."""

    data_dir: DataDir
    progress: Progress
    on_change: Callable[[], None] = lambda: None
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _stopping: bool = False

    def children(self) -> list[Child]:
        """All children, whether they run just now or not."""
        return [kept.child for kept in self._kept.values()]

    def start(self, spec: ChildSpec, probe: Probe) -> None:
        """Start a child and keep it from now on.

        Raises:
            StartError: its program can't be run.
        """
        kept = self._kept[spec.name] = _Kept(Child(spec), probe)
        self._launch(kept)

    def _launch(self, kept: _Kept) -> None:
        try:
            kept.child.start()
        except OSError as error:
            raise StartError(f"{kept.child.spec.name} can't be started: {error}") from error
        write_records(self.data_dir.children, self.children())
        self.on_change()

    async def await_ready(self, name: str, step: Step, *, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when the child is ready.

        Raises:
            StartError: it keeps dying, or is not ready in time.
        """
        kept = self._kept[name]
        deadline = time.monotonic() + timeout_s
        while True:
            gap = await kept.probe() if kept.child.pid else "not running"
            if not gap and kept.child.pid:
                kept.child.ready = kept.was_ready = True
                self.on_change()
                return
            if kept.deaths >= DEATHS_AT_START:
                raise StartError(
                    f"{name} ended {kept.deaths} times while starting", hints=(f"its log: {kept.child.spec.log}",)
                )
            if time.monotonic() > deadline:
                raise StartError(
                    f"{name} is not ready after {timeout_s:.0f} s: {gap}", hints=(f"its log: {kept.child.spec.log}",)
                )
            step.note(gap)
            await asyncio.sleep(POLL_S)

    async def watch(self) -> None:
        """Restart whatever dies, until cancelled."""
        trim_at = time.monotonic() + TRIM_EVERY_S
        waiting: set[asyncio.Task[None]] = set()
        try:
            while True:
                for kept in list(self._kept.values()):
                    self._look_after(kept, waiting)
                if time.monotonic() > trim_at:
                    trim_at = time.monotonic() + TRIM_EVERY_S
                    for child in self.children():
                        trim_log(child.spec.log)
                await asyncio.sleep(POLL_S)
        finally:
            for task in waiting:
                task.cancel()

    def _look_after(self, kept: _Kept, waiting: set[asyncio.Task[None]]) -> None:
        if self._stopping or kept.child.pid is not None:
            return
        if kept.restart_at is None:
            self._mourn(kept)
        elif time.monotonic() >= kept.restart_at:
            kept.restart_at = None
            kept.child.restarts += 1
            self._launch(kept)
            if kept.was_ready:
                task = asyncio.create_task(self._announce(kept))
                waiting.add(task)
                task.add_done_callback(waiting.discard)

    def _mourn(self, kept: _Kept) -> None:
        """Say who died and how, and when it starts again."""
        child = kept.child
        kept.deaths = 0 if time.time() - child.started_at > STEADY_AFTER_S else kept.deaths
        delay = BACK_OFF_S[min(kept.deaths, len(BACK_OFF_S) - 1)]
        kept.deaths += 1
        kept.restart_at = time.monotonic() + delay
        child.ready = False
        lines = "".join(f"\n    {line}" for line in child.last_lines())
        self.progress.line(
            f"{child.spec.name} {how_it_ended(child.exit_code)}; it starts again in {delay:g} s. "
            f"Last lines of {child.spec.log}:{lines}",
            style="yellow",
        )
        self.on_change()

    async def _announce(self, kept: _Kept) -> None:
        pid = kept.child.pid
        while pid is not None and kept.child.pid == pid:
            if not await kept.probe():
                kept.child.ready = True
                self.progress.line(f"{kept.child.spec.name} is ready again", style="green")
                self.on_change()
                return
            await asyncio.sleep(POLL_S)

    async def stop_all(self, tiers: tuple[tuple[str, ...], ...]) -> None:
        """Stop the children outside `tiers` first, then tier by tier; each gets its grace, then is killed."""
        self._stopping = True
        named = {name for tier in tiers for name in tier}
        first = tuple(name for name in self._kept if name not in named)
        for tier in (first, *tiers):
            kept = [self._kept[name] for name in reversed(tier) if name in self._kept]
            await asyncio.gather(*(self._stop(entry.child) for entry in kept))
        write_records(self.data_dir.children, self.children())

    async def _stop(self, child: Child) -> None:
        if not await asyncio.to_thread(child.stop):
            self.progress.line(
                f"{child.spec.name} did not stop within {child.spec.grace_s:g} s and was killed", style="yellow"
            )

    def kill_all(self) -> None:
        """End every child at once."""
        self._stopping = True
        for child in self.children():
            child.send(signal.SIGKILL)


def how_it_ended(code: int | None) -> str:
    """The exit code of a child in words."""
    if code is None:
        return "ended"
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"
