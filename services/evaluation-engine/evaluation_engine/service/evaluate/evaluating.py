"""The use case: evaluate one service over one period, store it when it says something new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from civiloop_shared.contracts.evaluations import EvaluationRecorded, TaxonomyUsed
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.disclosure.figures import Figures
from evaluation_engine.domain.instants import instant
from evaluation_engine.ports.evaluations import Draft, EvaluationStore, Memory, Slot, Stored
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.evaluate.compute import Answerer, Moment, Outcome, Question
from evaluation_engine.service.evaluate.figures import clause_cuts, figures_of
from evaluation_engine.service.evaluate.noticing import notice, shop
from evaluation_engine.service.evaluate.readings import Readings, joined
from evaluation_engine.service.evaluate.record import Publishing, finished, recorded
from evaluation_engine.service.evaluate.theming import themes_of
from evaluation_engine.service.evaluate.yardstick import Yardstick

ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation that isn't stored, when it was made, and the figures that could be published of it."""

    record: EvaluationRecorded
    outcome: Outcome
    digest: str
    at: datetime
    figures: tuple[Figures, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluating:
    """Computes records from aggregates, and stores those that are to be kept."""

    reader: MeasureReader
    store: EvaluationStore
    clock: Callable[[], datetime]
    book: ThemeBook

    async def compute(
        self, yardstick: Yardstick, period: Period, memory: Memory | None = None, *, all_cuts: bool = False
    ) -> Evaluated:
        """Compute a record without storing it; with all cuts also findings and themes. Numbers in a thread."""
        at = self.clock()
        complete = await self.reader.complete_until()
        moment = Moment.of(at, complete)
        question = Question(yardstick, period, all_cuts)
        shopping = question.shopping()
        if all_cuts:
            shop(shopping, question)
        spans = joined(shopping.spans())
        rows = await self.reader.read(yardstick.service, spans)

        def answer() -> Evaluated:
            readings = Readings.of(spans, rows)
            answerer = Answerer(question, readings, moment)
            closed = moment.complete_until_ms is not None and period.end_ms <= moment.complete_until_ms
            today = calendar(period.zone).date_of(min(period.end_ms - 1, moment.now_ms))
            outcome = answerer.outcome(memory or {}, today)
            followed = outcome.as_of_ms if closed else 0
            versions = (*yardstick.own_versions, self.book.fingerprint)
            digest = readings.digest(_plain(memory or {}), followed, *versions)
            record = recorded(question, outcome, digest=digest, closed=closed)
            if all_cuts:
                found = {
                    "findings": notice(answerer, outcome, self.book),
                    "themes": themes_of(readings, yardstick, period, self.book),
                    "taxonomy": TaxonomyUsed(version=self.book.version, digest=self.book.digest),
                }
                record = record.model_copy(update=found)
            return Evaluated(record, outcome, digest, at, figures_of(answerer, outcome) if all_cuts else ())

        return await asyncio.to_thread(answer)

    async def evaluate(
        self, yardstick: Yardstick, period: Period, memory: Memory, *, cycle: str, read_at: datetime | None = None
    ) -> tuple[Stored, Memory]:
        """Compute with all cuts and store: a new number, a revision, or nothing when the inputs are the same.

        ``read_at`` is the database's time at which the caller looked for changes. Returns the state of the rules too.
        """
        read_at = read_at or self.clock()
        evaluated = await self.compute(yardstick, period, memory, all_cuts=True)
        slot = Slot(yardstick.service, yardstick.body, cycle, instant(period.start_ms), instant(period.end_ms))
        publishing = None
        if evaluated.record.closed and cycle != ON_DEMAND:
            publishing = Publishing(evaluated.figures, clause_cuts(yardstick))
        draft = Draft(
            slot=slot,
            closed=evaluated.record.closed,
            as_of=evaluated.record.as_of,
            digest=evaluated.digest,
            memory_before=memory,
            memory_after=evaluated.outcome.memory,
            read_at=read_at,
            finish=partial(finished, evaluated.record, publishing),
            findings=() if cycle == ON_DEMAND else evaluated.record.findings,
            figures=publishing.figures if publishing else (),
        )
        return await self.store.put(draft), evaluated.outcome.memory


def _plain(memory: Memory) -> Any:
    return {benchmark: dict(rules) for benchmark, rules in memory.items() if rules}
