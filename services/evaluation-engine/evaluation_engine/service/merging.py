"""The partitions of closed days are merged into one row, and closed months into one more.

Nothing is counted anew: rows of single partitions go, and what they held stands in the merged row, in one transaction.
A late event makes a row of its partition again, which is read beside the merged one until the next merge. A month is
the sum of the merged days in it and nothing else, so it can be made again at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluation_engine.domain.accumulator import add
from evaluation_engine.domain.buckets import Calendar, Period, calendar
from evaluation_engine.domain.closed_days import MERGED_AFTER_MS, month_of
from evaluation_engine.ports.merging import Bucket, MergeStore, MergeTransaction, Place, Sum


@dataclass(frozen=True, slots=True)
class MergeClosedDays:
    """The use case of the chore. ``told`` is called with the number of rows that went."""

    store: MergeStore
    clock_ms: Callable[[], int]
    told: Callable[[int], None] = lambda _: None

    async def run(self) -> None:
        """Merge what lies far enough back, of every service; a service that somebody else works at is left out."""
        before_ms = self.clock_ms() - MERGED_AFTER_MS
        for service, zone in (await self.store.zones()).items():
            local = calendar(zone)
            for month in await self._due(service, local, before_ms):
                async with self.store.merging(service, month.topic) as transaction:
                    if transaction is None:
                        break
                    gone = await _merge(transaction, local, month.start_ms, before_ms)
                self.told(gone)

    async def _due(self, service: str, local: Calendar, before_ms: int) -> list[Bucket]:
        """Return the months that have days to merge, and those that are closed and not made."""
        found = await self.store.overview(service, before_ms)
        due = {_month_of(day, local) for day in found.apart}
        due.update(
            month
            for month in {_month_of(day, local) for day in found.merged} - found.months
            if _is_closed(month.start_ms, local, before_ms)
        )
        return sorted(due)


async def _merge(transaction: MergeTransaction, local: Calendar, month_ms: int, before_ms: int) -> int:
    end_ms = _end_of(month_ms, local)
    taken = await transaction.take(month_ms, min(end_ms, before_ms))
    if taken:
        known = await transaction.days(month_ms, end_ms, {place.cut for place, _ in taken})
        sums: dict[Place, Sum] = {}
        for place, part in taken:
            sums[place] = _plus(sums.get(place) or known.get(place), part)
        await transaction.put("day", sums)
    if _is_closed(month_ms, local, before_ms):
        await transaction.put("month", _months(month_ms, await transaction.days(month_ms, end_ms)))
    return len(taken)


def _plus(known: Sum | None, part: Sum) -> Sum:
    if known is None:
        return part
    add(known.measures, part.measures)
    return known._replace(changed_at=max(known.changed_at, part.changed_at))


def _months(month_ms: int, days: Mapping[Place, Sum]) -> dict[Place, Sum]:
    by_cut: dict[str, list[Sum]] = {}
    for place, day in days.items():
        by_cut.setdefault(place.cut, []).append(day)
    return {
        Place(cut, month_ms): Sum(month_of(day.measures for day in parts), max(day.changed_at for day in parts))
        for cut, parts in by_cut.items()
    }


def _month_of(day: Bucket, local: Calendar) -> Bucket:
    return Bucket(day.topic, local.month_start(day.start_ms))


def _end_of(month_ms: int, local: Calendar) -> int:
    return Period.month_of(local.date_of(month_ms), local.zone).end_ms


def _is_closed(month_ms: int, local: Calendar, before_ms: int) -> bool:
    """Whether the last day of a month is one that is merged."""
    return local.day_start(_end_of(month_ms, local) - 1) < before_ms
