"""What batches changed is gathered into aggregates, and closed months are made of their days.

A batch writes down what it changes in one row a service, and no aggregate. Whoever reads adds these rows to the
aggregates. From time to time they are taken away and added to the cells that they belong to, all in one transaction:
no number changes by it, and no order of gathering can be told by what is read. One process gathers a service at a time.
A day that changed and came back to what it was says so: whoever evaluated it in between has to look again.

A month is the sum of its days without survival. Once it is made, what comes late is added to the day and to the month.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from civiloop_shared.errors import DeadlineExceededError, UnavailableError
from civiloop_shared.observability import get_logger
from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.buckets import DAY_MS, Calendar, Period, calendar
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.months import month_of, without_survival
from evaluation_engine.ports.gathering import Bucket, Change, Changed, GatherStore, GatherTransaction, Much

_log = get_logger("civiloop.gathering")

_WAIT = timedelta(seconds=60)
_MUCH = Much(rows=100, size=4 * 1024 * 1024)
_MADE_AFTER_MS = 4 * DAY_MS


@dataclass(frozen=True, slots=True)
class GatherChanges:
    """The use case of the chore. ``told`` is called with the number of changes that were gathered.

    A service is gathered once a change has waited for so long, or so much waits: readers add it up every time. No more
    than that is gathered at once.
    """

    store: GatherStore
    told: Callable[[int], None] = lambda _: None
    wait: timedelta = _WAIT
    much: Much = _MUCH

    async def run(self) -> None:
        """Gather the changes of every service that waits; one that somebody else works at is left out."""
        for service, zone in await self.store.waiting(self.wait, self.much):
            await _apart(service, partial(self._all, service, calendar(zone)))

    async def _all(self, service: str, local: Calendar) -> None:
        while await self._some(service, local):
            pass

    async def _some(self, service: str, local: Calendar) -> bool:
        """Gather some changes of a service; return whether more may be waiting."""
        async with self.store.alone(service) as transaction:
            if transaction is None:
                return False
            taken = await transaction.take(self.much)
            months = await transaction.made_months() if taken else frozenset()
            for topic in sorted({one.topic for one in taken}):
                of_topic = [one for one in taken if one.topic == topic]
                changes, times = await asyncio.to_thread(_spread, service, of_topic, months, local)
                await _add(transaction, topic, changes, times)
        self.told(len(taken))
        return len(taken) == self.much.rows or 2 * sum(len(one.text) for one in taken) > self.much.size


@dataclass(frozen=True, slots=True)
class MakeMonths:
    """The use case of the chore that makes months of closed days."""

    store: GatherStore
    clock_ms: Callable[[], int]

    async def run(self) -> None:
        """Make the months that ended some days ago, of every service; what somebody else works at is left out."""
        for service, zone in (await self.store.zones()).items():
            await _apart(service, partial(self._make, service, calendar(zone)))

    async def _make(self, service: str, local: Calendar) -> None:
        now_ms = self.clock_ms()
        before_ms = now_ms - _MADE_AFTER_MS
        found = await self.store.overview(service, before_ms)
        months = {Bucket(day.topic, local.month_start(day.start_ms)) for day in found.days}
        for month in sorted(months - found.months):
            end_ms = _end_of(month.start_ms, local)
            if local.day_start(end_ms - 1) >= before_ms:
                continue
            async with self.store.alone(service) as transaction:
                if transaction is None:
                    return
                sums = _months(month.start_ms, await transaction.days_of(month, end_ms))
                await transaction.put(month.topic, {cell: Changed(one, instant(now_ms)) for cell, one in sums.items()})


async def _apart(service: str, work: Callable[[], Awaitable[None]]) -> None:
    """Let what goes wrong with one service not stop the others; what can't be reached is for all of them the same."""
    try:
        await work()
    except UnavailableError as error:
        if not isinstance(error, DeadlineExceededError):
            raise
        _log.warning("gathering takes too long", service=service)
    except Exception:
        _log.exception("gathering failed", service=service)


def _spread(
    service: str, taken: Sequence[Change], months: frozenset[Bucket], local: Calendar
) -> tuple[dict[Cell, Measures], dict[int, datetime]]:
    """Return what changes of one topic add to which cell, and when days changed last, by their starts."""
    batch, times = Batch(), dict[int, datetime]()
    for one in sorted(taken, key=lambda one: one.changed_at):
        times.update(dict.fromkeys(batch.take(service, one.text), one.changed_at))
    changes = batch.cells()
    for cell, measures in list(changes.items()):
        if cell.grain == "day":
            month_ms = local.month_start(cell.bucket_start_ms)
            if Bucket(taken[0].topic, month_ms) in months:
                month = Cell(service, cell.cut, "month", month_ms)
                add(changes.setdefault(month, {}), without_survival(measures))
    for day in times:
        changes.setdefault(Cell(service, "", "day", day), {})
    return changes, times


async def _add(
    transaction: GatherTransaction, topic: str, changes: Mapping[Cell, Measures], times: Mapping[int, datetime]
) -> None:
    """Add to cells. Nobody asks when others than days changed: they have the time of the last day that did."""
    sums = await transaction.cells(topic, changes)
    latest = max(times.values(), default=instant(0))
    changed = {}
    for cell, measures in changes.items():
        total = sums.get(cell, {})
        add(total, measures)
        changed[cell] = Changed(total, times[cell.bucket_start_ms] if cell.grain == "day" else latest)
    await transaction.put(topic, changed)


def _months(month_ms: int, days: Mapping[Cell, Measures]) -> dict[Cell, Measures]:
    by_cut: dict[Cell, list[Measures]] = {}
    for day, measures in days.items():
        by_cut.setdefault(Cell(day.service, day.cut, "month", month_ms), []).append(measures)
    return {month: month_of(parts) for month, parts in by_cut.items()}


def _end_of(month_ms: int, local: Calendar) -> int:
    return Period.month_of(local.date_of(month_ms), local.zone).end_ms
