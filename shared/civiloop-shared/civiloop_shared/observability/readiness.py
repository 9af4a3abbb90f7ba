"""Whether a service can do its work now, and which dependency is missing when it can't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Probe = Callable[[], Awaitable[None]]
_PROBE_TIMEOUT_S = 2.0
_PROBE_FRESH_S = 1.0


@dataclass(slots=True)
class _Check:
    ready: bool
    detail: str


class Readiness:
    """Named checks. Owners say how they are with ``set``; a probe is asked when somebody wants to know.

    Every name given to the constructor is missing until it is set or its probe succeeds.
    """

    def __init__(self, *names: str) -> None:
        self._checks = {name: _Check(False, "starting") for name in names}
        self._probes: dict[str, Probe] = {}
        self._probed_at = float("-inf")
        self._probing: asyncio.Lock = asyncio.Lock()
        self._draining = False
        self._dead = ""

    def set(self, name: str, ready: bool, detail: str = "") -> None:
        """Say how a dependency is. ``detail`` is shown to whoever asks: no address, no secret."""
        self._checks[name] = _Check(ready, detail)

    def add_probe(self, name: str, probe: Probe) -> None:
        """Ask ``probe`` whenever readiness is wanted (at most once a second, 2 s long): missing when it raises."""
        self._checks.setdefault(name, _Check(False, "starting"))
        self._probes[name] = probe

    def drain(self) -> None:
        """Not ready any more, for good: the process is about to stop."""
        self._draining = True

    def declare_dead(self, reason: str) -> None:
        """Say that only a restart helps: ``/healthz`` turns red."""
        self._dead = reason

    @property
    def dead(self) -> str:
        """The reason why only a restart helps, or an empty string."""
        return self._dead

    @property
    def draining(self) -> bool:
        """Whether the process is about to stop."""
        return self._draining

    def missing(self) -> dict[str, str]:
        """Return what is missing and why, as last known, without asking."""
        gone = {name: check.detail or "not ready" for name, check in self._checks.items() if not check.ready}
        if self._draining:
            gone["process"] = "stopping"
        if self._dead:
            gone["process"] = self._dead
        return gone

    def checks(self) -> dict[str, bool]:
        """Return every named dependency and whether it is there, as last known."""
        return {name: check.ready for name, check in self._checks.items()}

    def has(self, name: str) -> bool:
        """Say whether a dependency is there, as last known. One that nobody named counts as missing."""
        check = self._checks.get(name)
        return check is not None and check.ready

    @property
    def ready(self) -> bool:
        """Whether nothing is missing, as last known."""
        return not self._draining and not self._dead and all(check.ready for check in self._checks.values())

    async def refresh(self) -> dict[str, str]:
        """Ask the probes, then return what is missing."""
        async with self._probing:
            if time.monotonic() - self._probed_at >= _PROBE_FRESH_S:
                await asyncio.gather(*(self._ask(name, probe) for name, probe in self._probes.items()))
                self._probed_at = time.monotonic()
        return self.missing()

    async def _ask(self, name: str, probe: Probe) -> None:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await probe()
        except TimeoutError:
            self.set(name, False, "no answer in time")
        except Exception as error:
            self.set(name, False, type(error).__name__)
        else:
            self.set(name, True)
