"""Aggregates are computed anew from the facts: equal to the byte where nothing was wrong.

It can't race with the workers. Each partition is done in one transaction that first takes the lock of its position
row, which every batch takes first as well: the owner's next commit waits. If any cell changed, the epoch is raised in
the same transaction, so that the owner, whose memory is no longer what is stored, is fenced and claims again.

Where the partitions of a day were merged, no merge goes on until the rebuild is done. What a partition should have in
the merged day is what its facts give less what stands in its own row; a late event changes both alike, so the parts
may be taken one after the other. Months are made of merged days again.

The range is widened to whole months of the service, because a month's cell needs every day of it. Facts are read up to
a month past the range: a fact that was counted in another zone may fall into a bucket that begins inside of it.
Comments that were read by another taxonomy, or by none, are read again, where all their cells are in the range.
Minutes are computed anew too, of facts that were counted while a target was watched by them.
Measurements at an instant have no facts: their aggregates are left alone. So are those of months whose facts were
let go: a rebuild that asks for one is refused. An empty cell stays as `{}`, so that it is
still seen when it changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.domain.accumulator import Measures, add, canonical, subtract
from evaluation_engine.domain.buckets import Calendar, calendar, next_month
from evaluation_engine.domain.closed_days import month_of
from evaluation_engine.domain.contribution.address import Cell, Share
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.errors import FactsGoneError, UnknownServiceError
from evaluation_engine.ports.comments import CommentExtractor
from evaluation_engine.ports.facts import AnswerContent
from evaluation_engine.ports.rebuilding import RebuildStore, RebuildTransaction, Scope
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
        async with self.store.without_merges(service):
            for topic in _TOPICS:
                more_cells, more_changed = await self._topic(topic, scope, local)
                cells += more_cells
                changed += more_changed
        return Rebuilt(first, end, cells, changed)

    async def _topic(self, topic: str, scope: Scope, local: Calendar) -> tuple[int, int]:
        """Return how many cells there are and how many were not right."""
        merged = await self.store.merged_texts(topic, scope)
        sums: dict[Cell, Measures] = {cell: {} for cell in merged if cell.grain == "day"}
        cells = changed = 0
        for partition in await self.store.partitions(topic):
            async with self.store.partition(topic, partition) as transaction:
                right = await self._computed(transaction, topic, scope)
                stored = await transaction.texts(scope)
                for cell, total in sums.items():
                    add(total, right.pop(cell, {}))
                    subtract(total, json.loads(stored.pop(cell, "{}")))
                wrong = _wrong(stored, {cell: canonical(measures) for cell, measures in right.items()})
                if wrong:
                    await transaction.put_texts(wrong)
            cells += len(right)
            changed += len(wrong)
        wrong = _wrong(
            merged, {cell: canonical(measures) for cell, measures in (sums | _months(sums, merged, local)).items()}
        )
        await self.store.put_merged(topic, wrong)
        return cells + len(merged), changed + len(wrong)

    async def _computed(self, transaction: RebuildTransaction, topic: str, scope: Scope) -> dict[Cell, Measures]:
        batch = Batch(minutes_from_ms=scope.minutes_from_ms)
        if topic == JOURNEYS.name:
            await _add_journeys(transaction, scope, batch)
        else:
            await self._add_answers(transaction, scope, batch)
        return {
            cell: measures
            for cell, measures in batch.cells(quarters_from_ms=scope.quarters_from_ms).items()
            if scope.from_ms <= cell.bucket_start_ms < scope.to_ms
        }

    async def _add_answers(self, transaction: RebuildTransaction, scope: Scope, batch: Batch) -> None:
        async for facts in transaction.answers(scope.service, scope.from_ms, scope.to_ms + _BEYOND_MS):
            contexts = await transaction.contexts({fact.context_id for fact in facts if fact.context_id is not None})
            counted = {fact.key: (fact, contexts[fact.context_id]) for fact in facts if fact.context_id is not None}
            outdated = {
                key: content.comment
                for key, (fact, context) in counted.items()
                if (content := fact.content) and content.comment and self._is_outdated(content)
                if _lies_in(scope, answer_shares(fact, context))
            }
            for key, record in (await read_comments(self.extract, outdated)).items():
                fact = counted[key][0]
                fact.content = fact.content and replace(fact.content, record=record)
            await transaction.put_answers([counted[key][0] for key in outdated])
            for fact, context in counted.values():
                batch.change((), answer_shares(fact, context))

    def _is_outdated(self, content: AnswerContent) -> bool:
        return content.record is None or content.record.taxonomy != self.extract.digest


def _first_whole_month(local: Calendar, kept_from_ms: int) -> date:
    month = local.date_of(kept_from_ms).replace(day=1)
    return month if local.start_of(month) >= kept_from_ms else next_month(month)


def _lies_in(scope: Scope, shares: Iterable[Share]) -> bool:
    starts = (start for share in shares for start in share.address[2:4] if start is not None)
    return all(scope.from_ms <= start < scope.to_ms for start in starts)


async def _add_journeys(transaction: RebuildTransaction, scope: Scope, batch: Batch) -> None:
    async for facts in transaction.journeys(scope.service, scope.from_ms, scope.to_ms + _BEYOND_MS):
        contexts = await transaction.contexts({fact.context_id for fact in facts if fact.context_id is not None})
        for fact in facts:
            batch.change((), shares_of(fact, contexts))


def _months(days: Mapping[Cell, Measures], merged: Collection[Cell], local: Calendar) -> dict[Cell, Measures]:
    """Return the months that were made, of the days as they should be."""
    parts: dict[Cell, list[Measures]] = {cell: [] for cell in merged if cell.grain == "month"}
    for day, measures in days.items():
        month = day._replace(grain="month", bucket_start_ms=local.month_start(day.bucket_start_ms))
        if month in parts:
            parts[month].append(measures)
    return {month: month_of(of_month) for month, of_month in parts.items()}


def _wrong(stored: dict[Cell, str], right: dict[Cell, str]) -> dict[Cell, str]:
    wrong = {cell: text for cell, text in right.items() if stored.get(cell) != text}
    wrong.update({cell: "{}" for cell, text in stored.items() if cell not in right and text != "{}"})
    return wrong
