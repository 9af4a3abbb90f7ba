"""The evaluator's two loops: the live status of what changed, and the periods that are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.errors import CiviloopError
from evaluation_engine.ports.evaluations import Stored
from evaluation_engine.ports.measures import Election, MeasureReader
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.live import LiveStatus
from evaluation_engine.service.evaluate.scheduling import Scheduler
from evaluation_engine.service.evaluate.yardstick import Yardstick
from evaluation_engine.service.problems.burning import Burning

_log = logging.getLogger(__name__)

_HEARTBEAT_S = 60.0
_ELECTION_EVERY_S = 1.0
_LOOK_EVERY_S = 1.0
_LOOK_ANYWAY_S = 20.0
_BURN_EVERY_S = 5.0
_AT_ONCE = 2
_HEARTBEATS_A_ROUND = 4


class Observer(Protocol):
    """Is told what the evaluator did, for metrics."""

    def on_live(self, yardstick: Yardstick, record: EvaluationRecorded, seconds: float) -> None:
        """A live status was computed."""

    def on_evaluated(self, yardstick: Yardstick, stored: Stored, seconds: float) -> None:
        """An evaluation was stored."""

    def on_held(self, services: frozenset[str]) -> None:
        """These services are evaluated by this process from now on."""


@dataclass(slots=True)
class _Watched:
    generation: int = -1
    yardstick: Yardstick | None = None
    computed_at: float = float("-inf")
    looked_generation: int = -1
    looked_at: float = float("-inf")
    waiting: bool = False


def turn(computed_at: Mapping[str, float], now: float) -> list[str]:
    """Return a few of those that were computed a heartbeat ago, the oldest first; times in seconds."""
    old = [one for one, at in computed_at.items() if now - at > _HEARTBEAT_S]
    return sorted(old, key=lambda one: computed_at[one])[:_HEARTBEATS_A_ROUND]


@dataclass(slots=True)
class Watcher:
    """Evaluates the services that this process is elected for."""

    yardsticks: Yardsticks
    election: Election
    reader: MeasureReader
    live: LiveStatus
    scheduler: Scheduler
    burning: Burning
    observer: Observer
    poll_s: float = 0.3
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _generations: Mapping[str, int] = field(default_factory=dict)
    _held: frozenset[str] = frozenset()
    _elected_at: float = float("-inf")

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat(self.live_round, self.poll_s))
                group.create_task(self._repeat(self.schedule_round, _LOOK_EVERY_S))
                group.create_task(self._repeat(self.burn_round, _BURN_EVERY_S))
        finally:
            await self.election.release()

    async def live_round(self) -> None:
        """Bring the live status of every service up to date whose aggregates or catalogue changed.

        Those to which nothing happened but time take turns, a few a round: with hundreds of services all of them at
        once would keep a change waiting for seconds.
        """
        await self._elect()
        self._generations = await self.reader.generations()
        gate = asyncio.Semaphore(_AT_ONCE)
        mine = {one.service: one for one in self._mine()}
        changed = [one for one in mine.values() if self._has_changed(one)]
        waiting = mine.keys() - {one.service for one in changed}
        turns = turn({name: self._watched[name].computed_at for name in sorted(waiting)}, time.monotonic())
        stale = [*changed, *(mine[name] for name in turns)]
        await asyncio.gather(*(self._guarded(one, partial(self._refresh, one, gate)) for one in stale))

    async def schedule_round(self) -> None:
        """Look at every service where something may be due."""
        for yardstick in self._mine():
            watched = self._watched[yardstick.service]
            generation = self._generations.get(yardstick.service, 0)
            rested = time.monotonic() - watched.looked_at > _LOOK_ANYWAY_S
            if not (watched.waiting or rested or watched.looked_generation != generation):
                continue
            watched.looked_generation, watched.looked_at = generation, time.monotonic()
            await self._guarded(yardstick, partial(self._look, yardstick, watched))

    async def burn_round(self) -> None:
        """Evaluate the burn rates of every service at the ticks that have closed."""
        for yardstick in self._mine():
            try:
                await self.burning.look(yardstick)
            except CiviloopError:
                raise
            except Exception:
                _log.exception("burn rates of service %s can't be evaluated", yardstick.service)

    async def _guarded(self, yardstick: Yardstick, work: Callable[[], Awaitable[None]]) -> None:
        """Let a defect that one service brings up not stop the others; it is tried again at the next heartbeat."""
        try:
            await work()
        except CiviloopError:
            raise
        except Exception:
            _log.exception("service %s can't be evaluated", yardstick.service)
            watched = self._watched.get(yardstick.service)
            if watched is not None:
                watched.generation = self._generations.get(yardstick.service, 0)
                watched.yardstick, watched.computed_at = yardstick, time.monotonic()

    async def _elect(self) -> None:
        if time.monotonic() - self._elected_at < _ELECTION_EVERY_S:
            return
        await self.yardsticks.refresh()
        held = await self.election.hold(self.yardsticks.all().keys())
        self._elected_at = time.monotonic()
        for gone in self._watched.keys() - held:
            del self._watched[gone]
        for new in held:
            self._watched.setdefault(new, _Watched())
        if held != self._held:
            self._held = held
            self.observer.on_held(held)

    def _mine(self) -> list[Yardstick]:
        known = self.yardsticks.all()
        return [known[name] for name in self._watched if name in known]

    def _has_changed(self, yardstick: Yardstick) -> bool:
        watched = self._watched[yardstick.service]
        changed = watched.generation != self._generations.get(yardstick.service, 0)
        return changed or watched.yardstick is not yardstick

    async def _refresh(self, yardstick: Yardstick, gate: asyncio.Semaphore) -> None:
        async with gate:
            generation = self._generations.get(yardstick.service, 0)
            began = time.monotonic()
            record = await self.live.refresh(yardstick)
        watched = self._watched.get(yardstick.service)
        if watched is not None:
            watched.generation, watched.yardstick, watched.computed_at = generation, yardstick, began
        self.observer.on_live(yardstick, record, time.monotonic() - began)

    async def _look(self, yardstick: Yardstick, watched: _Watched) -> None:
        began = time.monotonic()
        done = await self.scheduler.look(yardstick)
        watched.waiting = done.waiting
        for stored in done.created:
            self.observer.on_evaluated(yardstick, stored, (time.monotonic() - began) / len(done.created))

    async def _repeat(self, step: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await step()
            except CiviloopError as error:
                _log.warning("the evaluator waits: %s", error)
                await asyncio.sleep(1.0)
            except Exception:
                _log.exception("the evaluator failed and goes on")
                await asyncio.sleep(5.0)
            await asyncio.sleep(every_s)
