"""What batches changed is gathered into aggregates, and closed months are made of their days.

A batch writes down what it changes in one row a service, and no aggregate. Whoever reads adds these rows to the
aggregates. From time to time they are taken away and added to the cells that they belong to, all in one transaction:
no number changes by it, and no order of gathering can be told by what is read. One process gathers a service at a time.

A month is the sum of its days without survival. Once it is made, what comes late is added to the day and to the month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.buckets import DAY_MS, Calendar, Period, calendar
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.months import month_of, without_survival
from evaluation_engine.ports.gathering import Bucket, Change, GatherStore, GatherTransaction

_WAIT = timedelta(seconds=60)
_MANY = 100
_MADE_AFTER_MS = 4 * DAY_MS


@dataclass(frozen=True, slots=True)
class GatherChanges:
    """The use case of the chore. ``told`` is called with the number of changes that were gathered.

    A service is gathered once a change has waited for so long, or so many wait: readers add them up every time.
    """

    store: GatherStore
    told: Callable[[int], None] = lambda _: None
    wait: timedelta = _WAIT
    many: int = _MANY

    async def run(self) -> None:
        """Gather the changes of every service that waits; one that somebody else works at is left out."""
        for service, zone in await self.store.waiting(self.wait, self.many):
            while await self._gather(service, calendar(zone)):
                pass

    async def _gather(self, service: str, local: Calendar) -> bool:
        """Gather some changes of a service; return whether more may be waiting."""
        async with self.store.alone(service) as transaction:
            if transaction is None:
                return False
            taken = await transaction.take(self.many)
            months = await transaction.made_months() if taken else frozenset()
            for topic in sorted({one.topic for one in taken}):
                await _add(transaction, service, [one for one in taken if one.topic == topic], months, local)
        self.told(len(taken))
        return len(taken) == self.many


@dataclass(frozen=True, slots=True)
class MakeMonths:
    """The use case of the chore that makes months of closed days."""

    store: GatherStore
    clock_ms: Callable[[], int]

    async def run(self) -> None:
        """Make the months that ended some days ago, of every service; what somebody else works at is left out."""
        before_ms = self.clock_ms() - _MADE_AFTER_MS
        for service, zone in (await self.store.zones()).items():
            local = calendar(zone)
            found = await self.store.overview(service, before_ms)
            months = {Bucket(day.topic, local.month_start(day.start_ms)) for day in found.days}
            for month in sorted(months - found.months):
                end_ms = _end_of(month.start_ms, local)
                if local.day_start(end_ms - 1) >= before_ms:
                    continue
                async with self.store.alone(service) as transaction:
                    if transaction is None:
                        break
                    days = await transaction.days_of(month, end_ms)
                    await transaction.put(month.topic, _months(month.start_ms, days), instant(self.clock_ms()))


async def _add(
    transaction: GatherTransaction, service: str, taken: Sequence[Change], months: frozenset[Bucket], local: Calendar
) -> None:
    """Add changes of one topic to its cells."""
    topic = taken[0].topic
    batch = Batch()
    for one in taken:
        batch.take(service, one.text)
    changes = batch.cells()
    for cell, measures in list(changes.items()):
        if cell.grain == "day":
            month_ms = local.month_start(cell.bucket_start_ms)
            if Bucket(topic, month_ms) in months:
                month = Cell(service, cell.cut, "month", month_ms)
                add(changes.setdefault(month, {}), without_survival(measures))
    sums = await transaction.cells(topic, changes)
    for cell, measures in changes.items():
        add(sums.setdefault(cell, {}), measures)
    await transaction.put(topic, sums, max(one.changed_at for one in taken))


def _months(month_ms: int, days: Mapping[Cell, Measures]) -> dict[Cell, Measures]:
    by_cut: dict[Cell, list[Measures]] = {}
    for day, measures in days.items():
        by_cut.setdefault(Cell(day.service, day.cut, "month", month_ms), []).append(measures)
    return {month: month_of(parts) for month, parts in by_cut.items()}


def _end_of(month_ms: int, local: Calendar) -> int:
    return Period.month_of(local.date_of(month_ms), local.zone).end_ms
