"""The evaluator's two loops: the live status of what changed, and the periods that are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.errors import CiviloopError
from evaluation_engine.ports.evaluations import Stored
from evaluation_engine.ports.measures import Election, MeasureReader
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.live import LiveStatus
from evaluation_engine.service.evaluate.pacing import A_ROUND_S, A_SHORT_ROUND_S, deadlines, is_behind, rest_after
from evaluation_engine.service.evaluate.scheduling import Scheduler
from evaluation_engine.service.evaluate.yardstick import Yardstick
from evaluation_engine.service.problems.burning import Burning

_log = logging.getLogger(__name__)

_ELECTION_EVERY_S = 1.0
_LOOK_EVERY_S = 1.0
_LOOK_ANYWAY_S = 20.0
_LOOKS_SHARE = 0.1
_BURN_EVERY_S = 5.0
_AT_ONCE = 2
_AFTER_ERROR_S = 1.0
_AFTER_DEFECT_S = 5.0

T = TypeVar("T")


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
    changed_at: float | None = None
    looked_generation: int = -1
    looked_at: float = float("-inf")
    waiting: bool = False

    def shows(self, generation: int, yardstick: Yardstick) -> bool:
        """Whether the status was computed of this."""
        return self.generation == generation and self.yardstick is yardstick

    def done(self, generation: int, yardstick: Yardstick, at: float) -> None:
        """Note that the status was computed of this."""
        self.generation, self.yardstick, self.computed_at, self.changed_at = generation, yardstick, at, None


@dataclass(slots=True)
class Watcher:
    """Evaluates the services that this process is elected for.

    Counting comes first. While the stream is behind by more than five seconds, live statuses take a quarter of the
    time: after a second of them the evaluator rests for three. Who has waited longest is next, and who has waited for
    half a minute is brought up to date even in a rest. While the stream is not behind, every change is shown at once.
    Looks that find no period due take a tenth of the time.
    """

    yardsticks: Yardsticks
    election: Election
    reader: MeasureReader
    live: LiveStatus
    scheduler: Scheduler
    burning: Burning
    observer: Observer
    clock: Callable[[], datetime]
    poll_s: float = 0.3
    ticks: Callable[[], float] = time.monotonic
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _generations: Mapping[str, int] = field(default_factory=dict)
    _held: frozenset[str] = frozenset()
    _elected_at: float = float("-inf")
    _rests_until: float = float("-inf")

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for step in (self.live_round, self.schedule_round, self.burn_round):
                    group.create_task(_repeat(step))
        finally:
            await self.election.release()

    async def live_round(self) -> float:
        """Bring live statuses up to date of services whose aggregates or catalogue changed; return how long to rest.

        Those to which nothing happened but time take turns, a few a round: with hundreds of services all of them at
        once would keep a change waiting for seconds.
        """
        await self._elect()
        self._generations = await self.reader.generations()
        behind = is_behind(await self.reader.complete_until(), self.clock())
        began = self.ticks()
        queue, rests = self._due(began), behind and began < self._rests_until
        until = began if rests else began + (A_SHORT_ROUND_S if behind else A_ROUND_S)
        await asyncio.gather(*(self._work_off(queue, until) for _ in range(_AT_ONCE)))
        if behind and not rests:
            self._rests_until = self.ticks() + rest_after(min(A_ROUND_S, self.ticks() - began))
        return 0.0 if queue and not behind else self.poll_s

    async def schedule_round(self) -> float:
        """Look at every service where something may be due; return how long to rest."""
        spent = 0.0
        for yardstick in self._mine():
            watched = self._watched.get(yardstick.service)
            if watched is None:  # another replica was elected meanwhile
                continue
            generation = self._generations.get(yardstick.service, 0)
            began = self.ticks()
            rested = began - watched.looked_at > _LOOK_ANYWAY_S
            if not (watched.waiting or rested or watched.looked_generation != generation):
                continue
            watched.looked_generation, watched.looked_at = generation, began
            spent += await self._guarded(yardstick, partial(self._look, yardstick, watched)) or 0.0
        return max(_LOOK_EVERY_S, min(_LOOK_ANYWAY_S, rest_after(spent, share=_LOOKS_SHARE)))

    async def burn_round(self) -> float:
        """Evaluate the burn rates of every service at the ticks that have closed; return how long to rest."""
        for yardstick in self._mine():
            try:
                await self.burning.look(yardstick)
            except CiviloopError:
                raise
            except Exception:
                _log.exception("burn rates of service %s can't be evaluated", yardstick.service)
        return _BURN_EVERY_S

    async def _guarded(self, yardstick: Yardstick, work: Callable[[], Awaitable[T]]) -> T | None:
        """Let a defect that one service brings up not stop the others; it is tried again at the next heartbeat."""
        try:
            return await work()
        except CiviloopError:
            raise
        except Exception:
            _log.exception("service %s can't be evaluated", yardstick.service)
            watched = self._watched.get(yardstick.service)
            if watched is not None:
                watched.done(self._generations.get(yardstick.service, 0), yardstick, self.ticks())
        return None

    async def _elect(self) -> None:
        if self.ticks() - self._elected_at < _ELECTION_EVERY_S:
            return
        await self.yardsticks.refresh()
        held = await self.election.hold(self.yardsticks.all().keys())
        self._elected_at = self.ticks()
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

    def _due(self, now: float) -> deque[tuple[float, Yardstick]]:
        """Return whose status is to be computed and by when, the most urgent first."""
        mine = {one.service: one for one in self._mine()}
        changed, unchanged = {}, {}
        for name, yardstick in mine.items():
            watched = self._watched[name]
            if watched.shows(self._generations.get(name, 0), yardstick):
                unchanged[name] = watched.computed_at
            else:
                watched.changed_at = changed[name] = now if watched.changed_at is None else watched.changed_at
        return deque((by, mine[name]) for name, by in deadlines(changed, unchanged, now).items())

    async def _work_off(self, queue: deque[tuple[float, Yardstick]], until: float) -> None:
        """Compute one after the other until then, and whatever is overdue."""
        try:
            while queue and (self.ticks() < until or queue[0][0] <= self.ticks()):
                _, yardstick = queue.popleft()
                await self._guarded(yardstick, partial(self._refresh, yardstick))
        except BaseException:
            queue.clear()
            raise

    async def _refresh(self, yardstick: Yardstick) -> None:
        generation = self._generations.get(yardstick.service, 0)
        began = self.ticks()
        record = await self.live.refresh(yardstick)
        watched = self._watched.get(yardstick.service)
        if watched is not None:
            watched.done(generation, yardstick, began)
        self.observer.on_live(yardstick, record, self.ticks() - began)

    async def _look(self, yardstick: Yardstick, watched: _Watched) -> float:
        """Evaluate what is due; return how long it took to see that nothing was."""
        began = self.ticks()
        done = await self.scheduler.look(yardstick)
        took = self.ticks() - began
        watched.waiting = done.waiting
        for stored in done.created:
            self.observer.on_evaluated(yardstick, stored, took / len(done.created))
        return 0.0 if done.created else took


async def _repeat(step: Callable[[], Awaitable[float]]) -> None:
    """Take a step again and again, each after the rest that the one before has asked for."""
    while True:
        try:
            rest_s = await step()
        except CiviloopError as error:
            _log.warning("the evaluator waits: %s", error)
            rest_s = _AFTER_ERROR_S
        except Exception:
            _log.exception("the evaluator failed and goes on")
            rest_s = _AFTER_DEFECT_S
        await asyncio.sleep(rest_s)
