"""One batch, one transaction: fence, ids, facts, changes, letters, ledger, commit; memory moves only afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.ports.sink import DeadLetter, Position, Progress, Sink, SinkTransaction, StreamRecord
from evaluation_engine.service.ingest.arrivals import Arrival, sort_out
from evaluation_engine.service.ingest.instants import DAY_MS, utc_day
from evaluation_engine.service.ingest.journeys import JourneyHandler
from evaluation_engine.service.ingest.senders import senders
from evaluation_engine.service.ingest.services import UNKNOWN_SERVICE, ServiceBook
from evaluation_engine.service.ingest.work import Handler, Work

QUARTERS_KEPT_MS = 90 * DAY_MS
MINUTES_KEPT_MS = 3 * DAY_MS + 3_600_000
"""Longer than burn rates look back: a tick is evaluated some time after its end."""


@dataclass(slots=True)
class Lane:
    """What a worker holds of a partition that it owns: worth something only as long as every commit succeeds."""

    position: Position
    careful_until: int = 0
    consecutive_letters: int = 0


@dataclass(frozen=True, slots=True)
class SortedBatch:
    """Records that were read, before anything is looked up. ``next_offset`` is the one after the last."""

    next_offset: int
    last_record_at_ms: int
    arrivals: Sequence[Arrival[Any]]
    letters: Sequence[DeadLetter]
    trailing_letters: int


@dataclass(frozen=True, slots=True)
class IngestBatch:
    """The use case of the workers. ``clock_ms`` gives now in ms since 1970."""

    sink: Sink
    book: ServiceBook
    clock_ms: Callable[[], int]
    quarters_kept_ms: int = QUARTERS_KEPT_MS

    async def sort(self, handler: Handler[Any], records: Sequence[StreamRecord]) -> SortedBatch:
        """Read records. A service that isn't known is looked for in the catalogue once more before it is refused."""
        arrivals, letters = sort_out(records, handler.read)
        if any(letter.reason == UNKNOWN_SERVICE for letter in letters):
            await self.book.refresh()
            arrivals, letters = sort_out(records, handler.read)
        last = records[-1]
        set_aside = {letter.record.offset for letter in letters}
        trailing = 0
        for record in reversed(records):
            if record.offset not in set_aside:
                break
            trailing += 1
        return SortedBatch(last.offset + 1, last.timestamp, arrivals, letters, trailing)

    async def ingest(
        self, lane: Lane, handler: Handler[Any], batch: SortedBatch, *, caught_up: bool = False
    ) -> dict[str, int]:
        """Commit one batch and return how many records had which outcome.

        After any error the lane must be thrown away and the partition claimed again.

        Raises:
            FencedError: another worker owns the partition.
            UnavailableError: nothing was done and it may be tried again.
            UnknownOutcomeError: it may have been done.
        """
        now_ms = self.clock_ms()
        work = self._work(lane, now_ms)
        work.set_aside(batch.letters)
        progress = Progress(batch.next_offset, batch.last_record_at_ms, now_ms if caught_up else None)
        async with self.sink.transaction() as transaction:
            await transaction.fence(lane.position, progress)
            fresh = await self._never_seen(transaction, batch.arrivals, work, utc_day(now_ms))
            await handler.apply(transaction, fresh, work)
            await _write(transaction, work)
            await transaction.put_senders(work.topic, work.partition, senders(fresh))
        _move(lane, batch)
        return {outcome: n for outcome, n in work.outcomes.items() if n}

    async def sweep(self, lane: Lane, handler: JourneyHandler, limit: int) -> int:
        """Count journeys of a partition as abandoned whose silence is due, at most ``limit``; return how many."""
        work = self._work(lane, self.clock_ms())
        async with self.sink.transaction() as transaction:
            await transaction.fence(lane.position, Progress(lane.position.next_offset))
            found = await handler.sweep(transaction, work, limit)
            await _write(transaction, work)
        return found

    def _work(self, lane: Lane, now_ms: int) -> Work:
        changes = Batch(quarters_from_ms=now_ms - self.quarters_kept_ms, minutes_from_ms=now_ms - MINUTES_KEPT_MS)
        return Work(lane.position.topic, lane.position.partition, now_ms, changes)

    async def _never_seen(
        self, transaction: SinkTransaction, arrivals: Sequence[Arrival[Any]], work: Work, today: date
    ) -> list[Arrival[Any]]:
        ids: dict[bytes, int] = {}
        for arrival in arrivals:
            ids.setdefault(arrival.key, arrival.payload_hash)
        known = await transaction.remember(ids, today)
        if not known and len(ids) == len(arrivals):
            return list(arrivals)
        fresh: dict[bytes, Arrival[Any]] = {}
        for arrival in arrivals:
            stands = known.get(arrival.key)
            if stands is not None:
                work.repeated(arrival, stands)
            elif fresh.setdefault(arrival.key, arrival) is not arrival:
                work.repeated(arrival, ids[arrival.key])
        return list(fresh.values())


async def _write(transaction: SinkTransaction, work: Work) -> None:
    await transaction.put_changes(work.topic, work.partition, work.changes.written())
    await transaction.put_letters(work.topic, work.partition, work.letters)
    if work.erased:
        await transaction.erase_letters(work.topic, work.erased)
    await transaction.count(work.topic, work.partition, work.outcomes)


def _move(lane: Lane, batch: SortedBatch) -> None:
    position = lane.position
    lane.position = Position(position.topic, position.partition, position.epoch, batch.next_offset)
    all_aside = not batch.arrivals
    lane.consecutive_letters = batch.trailing_letters + (lane.consecutive_letters if all_aside else 0)
