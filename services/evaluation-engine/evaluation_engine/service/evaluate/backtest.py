"""A redesign benchmark played over the periods of the past: which verdicts it would have given, and when it fired."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from civiloop_shared.contracts.evaluations import BenchmarkResult, RedesignVerdict
from civiloop_shared.errors import ValidationError, ValidationFault
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.domain.redesign.benchmark import Benchmark
from evaluation_engine.errors import UnknownBenchmarkError
from evaluation_engine.ports.evaluations import Memory
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.catalogue.drafting import Drafting
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.compute import Answerer, Moment, Question
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.periods import bounded, day_of, period_of
from evaluation_engine.service.evaluate.readings import Readings, joined
from evaluation_engine.service.evaluate.yardstick import Yardstick, benchmark_of

MOST_PERIODS = 400
_FIRES = (RedesignVerdict.REDESIGN, RedesignVerdict.REIMPLEMENT)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be replayed: a benchmark in force by its id, or the document of a changed one; days as written."""

    benchmark: str
    first: str
    last: str
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One period with what the benchmark says of it."""

    period: Period
    closed: bool
    result: BenchmarkResult

    @property
    def fires(self) -> bool:
        """Whether a level is required."""
        return self.result.verdict in _FIRES


@dataclass(frozen=True, slots=True)
class Backtest:
    """All periods, earliest first; the rules began without any memory of what was before the first."""

    benchmark: Benchmark
    changed: bool
    periods: tuple[Played, ...]

    def firing(self) -> Iterator[tuple[Played, Played | None]]:
        """Yield each stretch of periods in which a level was required: its first, and the first after it."""
        began: Played | None = None
        for played in self.periods:
            if played.fires and began is None:
                began = played
            elif began is not None and not played.fires:
                yield began, played
                began = None
        if began is not None:
            yield began, None


@dataclass(frozen=True, slots=True)
class BacktestDesk:
    """Replays benchmarks. Nothing of it is stored."""

    yardsticks: Yardsticks
    drafting: Drafting
    reader: MeasureReader
    evaluating: Evaluating

    async def run(self, body: str, service: str, replay: Replay) -> Backtest:
        """Return what a benchmark would have said of every whole period of the service's cycle between two days.

        Raises ``UnknownServiceError``, ``UnknownBenchmarkError``, ``CatalogueRefusedError`` for the document, and
        ``ValidationError`` for the days.
        """
        yardstick = await self.yardsticks.of(body, service)
        benchmark = await self._benchmark(body, yardstick, replay)
        alone = replace(yardstick, targets=(), benchmarks=(benchmark,))
        now = self.evaluating.clock()
        periods = list(_periods(yardstick, replay, ms_of(now)))
        complete = await self.reader.complete_until()
        moment = Moment.of(now, complete)
        questions = [Question(alone, period) for period in periods]
        spans = joined(span for question in questions for span in question.shopping().spans())
        rows = await self.reader.read(service, spans)

        def play() -> tuple[Played, ...]:
            readings = Readings.of(spans, rows)
            return tuple(_played(questions, readings, moment))

        return Backtest(benchmark, replay.document is not None, await asyncio.to_thread(play))

    async def _benchmark(self, body: str, yardstick: Yardstick, replay: Replay) -> Benchmark:
        if replay.document is not None:
            document = await self.drafting.benchmark(body, replay.document)
            if yardstick.service not in document.services:
                raise _fault("document", f"is not a benchmark of {yardstick.service}")
            return benchmark_of(document, 0)
        found = next((one for one in yardstick.benchmarks if one.id == replay.benchmark), None)
        if found is None:
            raise UnknownBenchmarkError
        return found


def _periods(yardstick: Yardstick, replay: Replay, now_ms: int) -> Iterator[Period]:
    zone = yardstick.zone
    try:
        whole = bounded(_day(replay.first, zone, "from"), _day(replay.last, zone, "to"), zone)
    except ValueError as error:
        raise _fault("from", str(error)) from None
    period = period_of(yardstick.cycle, whole.start, zone)
    if period.start < whole.start:
        period = period_of(yardstick.cycle, period.end, zone)
    for found in range(MOST_PERIODS + 1):
        if period.end > whole.end or period.start_ms >= now_ms:
            if not found:
                raise _fault("to", f"there is no whole period of the cycle ({yardstick.cycle.value}) in between")
            return
        if found == MOST_PERIODS:
            raise _fault("from", f"that would be more than {MOST_PERIODS} periods")
        yield period
        period = period_of(yardstick.cycle, period.end, zone)


def _day(text: str, zone: str, name: str) -> date:
    try:
        return day_of(text, zone)
    except ValueError:
        raise _fault(name, f"must be a date, or an instant at midnight in {zone}") from None


def _played(questions: list[Question], readings: Readings, moment: Moment) -> Iterator[Played]:
    memory: Memory = {}
    for question in questions:
        period = question.period
        today = calendar(period.zone).date_of(min(period.end_ms - 1, moment.now_ms))
        outcome = Answerer(question, readings, moment).outcome(memory, today)
        closed = moment.complete_until_ms is not None and period.end_ms <= moment.complete_until_ms
        yield Played(period, closed, outcome.benchmarks[0])
        memory = outcome.memory


def _fault(name: str, reason: str) -> ValidationError:
    return ValidationError.of(ValidationFault(name, reason))
