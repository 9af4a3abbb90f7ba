"""Aggregates are computed anew from the facts: equal to the byte where nothing was wrong.

It can't race with the workers, and it stops none for long. Nobody gathers changes of the service until it is done. Each
partition is read in one transaction that first takes the lock of its position row, which every batch takes first as
well. What the partition should have in the aggregates is what its facts give less its changes that wait to be gathered;
an event that comes later changes both alike, so the partitions may be taken one after the other. Months are made of
days.

The range is widened to whole months of the service, because a month's cell needs every day of it. Facts are read up to
a month past the range: a fact that was counted in another zone may fall into a bucket that begins inside of it.
Comments that were read by another taxonomy, or by none, are read again, as a change that waits to be gathered.
Minutes are computed anew too, of facts that were counted while a target was watched by them.
Measurements at an instant have no facts: their aggregates are left alone. So are those of months whose facts were
let go: a rebuild that asks for one is refused. An empty cell stays as `{}`, so that it is
still seen when it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.domain.accumulator import Measures, add, canonical, subtract
from evaluation_engine.domain.buckets import Calendar, calendar, next_month
from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.months import month_of
from evaluation_engine.errors import FactsGoneError, UnknownServiceError
from evaluation_engine.ports.comments import CommentExtractor
from evaluation_engine.ports.facts import AnswerContent, AnswerFact
from evaluation_engine.ports.rebuilding import Aggregates, RebuildStore, RebuildTransaction, Scope
from evaluation_engine.service.ingest.answers import answer_shares
from evaluation_engine.service.ingest.batch import MINUTES_KEPT_MS, QUARTERS_KEPT_MS
from evaluation_engine.service.ingest.comments import read_comments
from evaluation_engine.service.ingest.instants import DAY_MS
from evaluation_engine.service.ingest.journeys import shares_of

_BEYOND_MS = 33 * DAY_MS
_TOPICS = (JOURNEYS.name, FEEDBACK.name)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done: days `[since, until)`, how many cells there are and how many were not right."""

    since: date
    until: date
    cells: int
    changed: int


@dataclass(frozen=True, slots=True)
class RebuildAggregates:
    """The use case behind `civiloop rebuild`."""

    store: RebuildStore
    extract: CommentExtractor
    clock_ms: Callable[[], int]

    async def rebuild(self, body: str, service: str, since: date, until: date) -> Rebuilt:
        """Compute the cells of local days `[since, until)` anew.

        Raises ``UnknownServiceError``, ``FactsGoneError`` when months are among them whose facts were let go.
        """
        zone = await self.store.zone(body, service)
        if zone is None:
            raise UnknownServiceError(f"the body has no service {service}")
        first, end = since.replace(day=1), next_month(until - timedelta(days=1))
        local = calendar(zone)
        kept_from_ms = await self.store.facts_from_ms(service)
        if kept_from_ms is not None and local.start_of(first) < kept_from_ms:
            raise FactsGoneError(_first_whole_month(local, kept_from_ms))
        now_ms = self.clock_ms()
        kept = (now_ms - QUARTERS_KEPT_MS, now_ms - MINUTES_KEPT_MS)
        scope = Scope(service, local.start_of(first), local.start_of(end), *kept)
        cells = changed = 0
        async with self.store.ungathered(service) as aggregates:
            for topic in _TOPICS:
                more_cells, more_changed = await self._topic(aggregates, topic, scope, local)
                cells += more_cells
                changed += more_changed
        return Rebuilt(first, end, cells, changed)

    async def _topic(self, aggregates: Aggregates, topic: str, scope: Scope, local: Calendar) -> tuple[int, int]:
        """Return how many cells there are and how many were not right."""
        stored = await aggregates.texts(topic, scope)
        right: dict[Cell, Measures] = {}
        read_again: set[Cell] = set()
        for partition in await self.store.partitions(topic):
            async with self.store.partition(topic, partition) as transaction:
                computed, again = await self._computed(transaction, topic, scope)
                await transaction.put_changes(again.written())
                read_again.update(_in_scope(scope, again))
                for cell, measures in _in_scope(scope, computed).items():
                    add(right.setdefault(cell, {}), measures)
                for cell, measures in (await _waiting(transaction, scope)).items():
                    subtract(right.setdefault(cell, {}), measures)
        right |= _months(right, stored, local)
        wrong = _wrong(stored, {cell: canonical(measures) for cell, measures in right.items() if measures})
        await aggregates.put(topic, wrong)
        return len(right), len(wrong.keys() | read_again)

    async def _computed(self, transaction: RebuildTransaction, topic: str, scope: Scope) -> tuple[Batch, Batch]:
        """Return what the facts of a partition give, and what has changed because comments were read again."""
        batch, again = _batch(scope), _batch(scope)
        if topic == JOURNEYS.name:
            await _add_journeys(transaction, scope, batch)
        else:
            await self._add_answers(transaction, scope, batch, again)
        return batch, again

    async def _add_answers(self, transaction: RebuildTransaction, scope: Scope, batch: Batch, again: Batch) -> None:
        async for facts in transaction.answers(scope.service, scope.from_ms, scope.to_ms + _BEYOND_MS):
            contexts = await transaction.contexts({fact.context_id for fact in facts if fact.context_id is not None})
            counted = {fact.key: (fact, contexts[fact.context_id]) for fact in facts if fact.context_id is not None}
            await self._read_again(transaction, counted, again)
            for fact, context in counted.values():
                batch.change((), answer_shares(fact, context))

    async def _read_again(
        self, transaction: RebuildTransaction, counted: Mapping[bytes, tuple[AnswerFact, FactContext]], again: Batch
    ) -> None:
        """Read outdated comments again: a change like any other, that waits to be gathered."""
        outdated = {
            key: content.comment
            for key, (fact, _) in counted.items()
            if (content := fact.content) and content.comment and self._is_outdated(content)
        }
        for key, record in (await read_comments(self.extract, outdated)).items():
            fact, context = counted[key]
            before = answer_shares(fact, context)
            fact.content = fact.content and replace(fact.content, record=record)
            again.change(before, answer_shares(fact, context))
        await transaction.put_answers([counted[key][0] for key in outdated])

    def _is_outdated(self, content: AnswerContent) -> bool:
        return content.record is None or content.record.taxonomy != self.extract.digest


def _first_whole_month(local: Calendar, kept_from_ms: int) -> date:
    month = local.date_of(kept_from_ms).replace(day=1)
    return month if local.start_of(month) >= kept_from_ms else next_month(month)


async def _add_journeys(transaction: RebuildTransaction, scope: Scope, batch: Batch) -> None:
    async for facts in transaction.journeys(scope.service, scope.from_ms, scope.to_ms + _BEYOND_MS):
        contexts = await transaction.contexts({fact.context_id for fact in facts if fact.context_id is not None})
        for fact in facts:
            batch.change((), shares_of(fact, contexts))


async def _waiting(transaction: RebuildTransaction, scope: Scope) -> dict[Cell, Measures]:
    """Return what a partition changed that isn't gathered yet."""
    batch = _batch(scope)
    for text in await transaction.changes(scope.service):
        batch.take(scope.service, text)
    return _in_scope(scope, batch)


def _batch(scope: Scope) -> Batch:
    return Batch(quarters_from_ms=scope.quarters_from_ms, minutes_from_ms=scope.minutes_from_ms)


def _in_scope(scope: Scope, batch: Batch) -> dict[Cell, Measures]:
    return {
        cell: measures
        for cell, measures in batch.cells().items()
        if scope.from_ms <= cell.bucket_start_ms < scope.to_ms
    }


def _months(days: Mapping[Cell, Measures], stored: Iterable[Cell], local: Calendar) -> dict[Cell, Measures]:
    """Return the months that are made, of the days as they should be, in all cuts."""
    made = {cell.bucket_start_ms for cell in stored if cell.grain == "month" and not cell.cut}
    parts: dict[Cell, list[Measures]] = {}
    for day, measures in days.items():
        if day.grain == "day" and (month_ms := local.month_start(day.bucket_start_ms)) in made:
            parts.setdefault(day._replace(grain="month", bucket_start_ms=month_ms), []).append(measures)
    return {month: month_of(of_month) for month, of_month in parts.items()}


def _wrong(stored: dict[Cell, str], right: dict[Cell, str]) -> dict[Cell, str]:
    wrong = {cell: text for cell, text in right.items() if stored.get(cell) != text}
    wrong.update({cell: "{}" for cell, text in stored.items() if cell not in right and text != "{}"})
    return wrong
