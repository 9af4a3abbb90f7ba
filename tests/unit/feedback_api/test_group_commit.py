"""Commits in groups: together, in order, none spoiled by another, none lost at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from civiloop_shared.errors import UnavailableError
from feedback_api.adapters.group_commit import GroupCommit


class Sink:
    """Commits numbers; the first commit waits at the gate. Numbers below 0 can't be stored, 13 is bad luck."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()

    async def commit(self, jobs: Sequence[int]) -> Sequence[int]:
        await self.gate.wait()
        if 13 in jobs:
            raise UnavailableError("down", dependency="postgresql")
        if min(jobs) < 0:
            raise ValueError("a defect")
        self.groups.append(list(jobs))
        return [job * 10 for job in jobs]


async def started(sink: Sink, *, heaviest_group: int = 100, most_waiting: int = 100) -> GroupCommit[int, int]:
    group: GroupCommit[int, int] = GroupCommit(sink.commit, heaviest_group=heaviest_group, most_waiting=most_waiting)
    await group.start()
    return group


async def submit(group: GroupCommit[int, int], *jobs: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(group.run(job, 1)) for job in jobs]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_gathers_during_a_commit_is_committed_together_and_in_order() -> None:
    sink = Sink()
    group = await started(sink)
    first = await submit(group, 1)
    await asyncio.sleep(0.01)
    others = await submit(group, 2, 3, 4)
    sink.gate.set()
    assert await asyncio.gather(*first, *others) == [10, 20, 30, 40]
    assert sink.groups == [[1], [2, 3, 4]]
    await group.stop()


async def test_a_group_is_no_heavier_than_it_may_be_and_one_heavy_job_still_goes() -> None:
    sink = Sink()
    sink.gate.set()
    group = await started(sink, heaviest_group=2)
    heavy = asyncio.create_task(group.run(9, 5))
    assert await asyncio.gather(heavy, *(await submit(group, 1, 2, 3))) == [90, 10, 20, 30]
    assert max(len(jobs) for jobs in sink.groups) == 2
    await group.stop()


async def test_one_bad_job_spoils_no_other() -> None:
    sink = Sink()
    group = await started(sink)
    tasks = await submit(group, 1, -1, 2)
    sink.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[0], results[2]) == (10, 20)
    assert isinstance(results[1], ValueError)
    await group.stop()


async def test_an_outage_is_told_to_all_of_the_group_and_to_those_that_wait() -> None:
    sink = Sink()
    group = await started(sink)
    tasks = await submit(group, 13, 1)
    await asyncio.sleep(0.01)
    tasks += await submit(group, 2)
    sink.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [UnavailableError] * 3
    assert results[0] is not results[1]
    assert await group.run(3, 1) == 30
    await group.stop()


async def test_a_job_whose_caller_has_gone_is_left_out() -> None:
    sink = Sink()
    group = await started(sink)
    first = await submit(group, 1)
    await asyncio.sleep(0.01)
    gone, waiting = await submit(group, 2, 3)
    gone.cancel()
    sink.gate.set()
    assert await asyncio.gather(*first, waiting) == [10, 30]
    assert sink.groups == [[1], [3]]
    await group.stop()


async def test_stopping_commits_what_waits_and_takes_nothing_new() -> None:
    sink = Sink()
    group = await started(sink)
    tasks = await submit(group, 1, 2)
    stopping = asyncio.create_task(group.stop())
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError):
        await group.run(3, 1)
    sink.gate.set()
    await stopping
    assert await asyncio.gather(*tasks) == [10, 20]


async def test_too_much_waiting_is_refused_at_once() -> None:
    sink = Sink()
    group = await started(sink, most_waiting=2)
    tasks = await submit(group, 1)
    await asyncio.sleep(0.01)
    tasks += await submit(group, 2, 3)
    with pytest.raises(UnavailableError):
        await group.run(4, 1)
    sink.gate.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30]
    await group.stop()
