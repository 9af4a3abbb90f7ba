"""Jobs that come at the same time are committed together: one commit costs the same for one as for a hundred."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from civiloop_shared.errors import CiviloopError, UnavailableError
from civiloop_shared.observability import get_logger

J = TypeVar("J")
R = TypeVar("R")

_log = get_logger(__name__)


@dataclass(slots=True)
class _Waiting(Generic[J, R]):
    job: J
    weight: int
    done: asyncio.Future[R]


class GroupCommit(Generic[J, R]):
    """Runs ``commit`` with all jobs that gathered while the commit before was under way.

    ``commit`` returns one result a job, in order, after all of them are durable. When it raises one of our errors all
    jobs of the group get it, and those that wait: behind an outage nobody waits for a time-out of their own. When it
    raises anything else, each job is tried alone, so that a bad one spoils no other.
    ``observe`` is told the weight of a group and its seconds.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[J]], Awaitable[Sequence[R]]],
        *,
        heaviest_group: int = 2_000,
        most_waiting: int = 20_000,
        observe: Callable[[int, float], None] = lambda _weight, _seconds: None,
    ) -> None:
        self._commit = commit
        self._heaviest_group = heaviest_group
        self._most_waiting = most_waiting
        self._observe = observe
        self._queue: deque[_Waiting[J, R]] = deque()
        self._weight = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to commit."""
        self._task = asyncio.create_task(self._run(), name="group-commit")

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Take no more jobs, commit those that wait, then end. What is not done in time gets ``UnavailableError``."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for waiting in self._all_waiting():
            _fail(waiting, UnavailableError("stopping", dependency="process"))

    async def run(self, job: J, weight: int) -> R:
        """Return the job's result once it is durable. Raises ``UnavailableError`` when too much waits already."""
        if self._closing or self._weight + weight > self._most_waiting:
            raise UnavailableError("too much waits to be stored", dependency="capacity")
        waiting: _Waiting[J, R] = _Waiting(job, weight, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._weight += weight
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            group = self._next_group()
            if group:
                await self._commit_group(group)

    def _next_group(self) -> list[_Waiting[J, R]]:
        """Take jobs from the queue; those whose caller has gone are left out."""
        group: list[_Waiting[J, R]] = []
        weight = 0
        while self._queue and (not group or weight + self._queue[0].weight <= self._heaviest_group):
            waiting = self._queue.popleft()
            self._weight -= waiting.weight
            if not waiting.done.done():
                group.append(waiting)
                weight += waiting.weight
        return group

    def _all_waiting(self) -> list[_Waiting[J, R]]:
        """Take all jobs from the queue."""
        waiting = [*self._queue]
        self._queue.clear()
        self._weight = 0
        return waiting

    async def _commit_group(self, group: list[_Waiting[J, R]]) -> None:
        started = time.perf_counter()
        try:
            results = await self._commit([waiting.job for waiting in group])
        except CiviloopError as error:
            for waiting in (*group, *self._all_waiting()):
                _fail(waiting, error)
        except Exception as error:
            await self._commit_alone(group, error)
        else:
            for waiting, result in zip(group, results, strict=True):
                if not waiting.done.done():
                    waiting.done.set_result(result)
        self._observe(sum(waiting.weight for waiting in group), time.perf_counter() - started)

    async def _commit_alone(self, group: list[_Waiting[J, R]], error: Exception) -> None:
        if len(group) == 1:
            _log.error("could not be stored", error=type(error).__name__)
            _fail(group[0], error)
            return
        for waiting in group:
            await self._commit_group([waiting])


def _fail(waiting: _Waiting[J, R], error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(copy.copy(error))
