"""The live status, a moment after anything changed: KPIs of the last 30 days, and verdicts that hold at every look.

A rolling window raises no alarm: its intervals are made for one look. Targets are judged over the run, the quarter of
the calendar up to now, by confidence sequences that hold at every look; those that have none, and benchmarks, are
shown as the newest closed period left them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from civiloop_shared.contracts.evaluations import BenchmarkResult, EvaluationRecorded, TargetResult
from civiloop_shared.contracts.evaluations import Period as PeriodOnWire
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import instant, ms_of
from evaluation_engine.domain.redesign.judgement import as_left
from evaluation_engine.domain.repeated import hindrance
from evaluation_engine.domain.result import not_yet
from evaluation_engine.domain.sequences import Restarts, run_of
from evaluation_engine.domain.target import Target, judge_by_period
from evaluation_engine.ports.evaluations import EvaluationStore
from evaluation_engine.service.evaluate.compute import Answerer, Moment, Question
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.periods import period_of
from evaluation_engine.service.evaluate.readings import Readings, joined
from evaluation_engine.service.evaluate.record import canonical, recorded
from evaluation_engine.service.evaluate.trends import Past, Trends, with_course
from evaluation_engine.service.evaluate.yardstick import Yardstick

DAYS = 30
RUNS: Restarts = 4
"""Quarters: each spends a quarter of the year's false alarms that a target allows."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """Computes and stores the live status of a service."""

    evaluating: Evaluating
    store: EvaluationStore
    trends: Trends

    async def refresh(self, yardstick: Yardstick) -> EvaluationRecorded:
        """Compute and store. It moves no rule on."""
        at = self.evaluating.clock()
        past = await self.trends.of(yardstick)
        complete = await self.evaluating.reader.complete_until()
        look = Look.at(yardstick, past, at, complete)
        spans = joined(span for question in (look.recent, look.run) for span in question.shopping().spans())
        rows = await self.evaluating.reader.read(yardstick.service, spans)
        record = await asyncio.to_thread(lambda: look.record(Readings.of(spans, rows)))
        await self.store.put_live(yardstick.service, canonical(record), at)
        return record


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a service: two questions to the same readings, and what is known of the past."""

    yardstick: Yardstick
    past: Past
    moment: Moment
    today: date
    recent: Question
    run: Question

    @staticmethod
    def at(yardstick: Yardstick, past: Past, at: datetime, complete: datetime | None) -> Look:
        """Return the look at an instant, up to which everything before ``complete`` is counted."""
        today = calendar(yardstick.zone).date_of(ms_of(at))
        alone = replace(yardstick, targets=(), benchmarks=())
        watched = tuple(one for one in yardstick.targets if _is_watched(yardstick, one))
        quarter = run_of(today, yardstick.zone, restarts=RUNS).period
        return Look(
            yardstick=yardstick,
            past=past,
            moment=Moment.of(at, complete),
            today=today,
            recent=Question(alone, period_now(yardstick.zone, at)),
            run=Question(replace(alone, targets=watched), quarter, runs=RUNS),
        )

    def record(self, readings: Readings) -> EvaluationRecorded:
        """Return the live status."""
        recent = Answerer(self.recent, readings, self.moment)
        run = Answerer(self.run, readings, self.moment, seen=recent.sources)
        digest = readings.digest(self.past.stamp, *self.yardstick.own_versions)
        record = recorded(self.recent, recent.outcome({}, self.today), digest=digest, closed=False)
        watched = {one.target: one for one in run.outcome({}, self.today).targets}
        return record.model_copy(
            update={"targets": tuple(self._targets(watched)), "benchmarks": tuple(self._benchmarks())}
        )

    def _targets(self, watched: dict[str, TargetResult]) -> Iterator[TargetResult]:
        for target in self.yardstick.targets:
            if target.kpi in self.yardstick.known:
                found = watched.get(target.id) or self._by_period(target)
                yield with_course(found, self.past.courses)

    def _by_period(self, target: Target) -> TargetResult:
        definition = self.yardstick.known[target.kpi]
        cycle = period_of(self.yardstick.cycle, self.today, self.yardstick.zone)
        period = PeriodOnWire(start=instant(cycle.start_ms), end=instant(cycle.end_ms), zone=cycle.zone)
        reason = "no period has closed yet" if self.past.newest is None else "no period has closed since it was set"
        nothing = not_yet(definition, self.yardstick.settings, period, target.cut, reason)
        before = self.past.newest.targets if self.past.newest else ()
        return judge_by_period(target, nothing, before, self.today, hindrance(definition) or "")

    def _benchmarks(self) -> Iterator[BenchmarkResult]:
        newest = self.past.newest
        for one in self.yardstick.benchmarks:
            yield as_left(one, newest.benchmarks if newest else (), newest.period if newest else None)


def _is_watched(yardstick: Yardstick, target: Target) -> bool:
    definition = yardstick.known.get(target.kpi)
    return definition is not None and hindrance(definition) is None


def period_now(zone: str, now: datetime) -> Period:
    """Return the last 30 local days, today included."""
    tomorrow = calendar(zone).date_of(ms_of(now)) + timedelta(days=1)
    return Period.last_days(tomorrow, DAYS, zone)
