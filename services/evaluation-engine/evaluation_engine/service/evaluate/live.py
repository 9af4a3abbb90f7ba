"""The live status, a moment after anything changed: KPIs of the last 30 days, and verdicts that hold at every look.

A rolling window raises no alarm: its intervals are made for one look. Targets are judged over the run, the quarter of
the calendar up to now, by confidence sequences that hold at every look; those that have none, and benchmarks, are
shown as the newest closed period left them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
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
from evaluation_engine.ports.measures import Span
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
    """Computes and stores the live status of a service. What it asks is made once a day and catalogue."""

    evaluating: Evaluating
    store: EvaluationStore
    trends: Trends
    _plans: dict[str, Plan] = field(default_factory=dict)

    async def refresh(self, yardstick: Yardstick) -> EvaluationRecorded:
        """Compute and store. It moves no rule on."""
        at = self.evaluating.clock()
        past = await self.trends.of(yardstick)
        complete = await self.evaluating.reader.complete_until()
        look = Look(self._plan(yardstick, at), past, Moment.of(at, complete))
        spans = look.plan.spans
        rows = await self.evaluating.reader.read(yardstick.service, spans)
        record = await asyncio.to_thread(lambda: look.record(Readings.of(spans, rows)))
        await self.store.put_live(yardstick.service, canonical(record), at)
        return record

    def _plan(self, yardstick: Yardstick, at: datetime) -> Plan:
        today = calendar(yardstick.zone).date_of(ms_of(at))
        known = self._plans.get(yardstick.service)
        if known is None or known.yardstick is not yardstick or known.today != today:
            known = self._plans[yardstick.service] = Plan.on(yardstick, today)
        return known


@dataclass(frozen=True, slots=True)
class Plan:
    """What a look at a service asks on a day: two questions to the same readings, and what has to be read for both."""

    yardstick: Yardstick
    today: date
    recent: Question
    run: Question
    spans: Sequence[Span]

    @staticmethod
    def on(yardstick: Yardstick, today: date) -> Plan:
        """Return the plan of a local day."""
        alone = replace(yardstick, targets=(), benchmarks=())
        watched = tuple(one for one in yardstick.targets if _is_watched(yardstick, one))
        quarter = run_of(today, yardstick.zone, restarts=RUNS).period
        recent = Question(alone, _last_days(today, yardstick.zone))
        run = Question(replace(alone, targets=watched), quarter, runs=RUNS)
        spans = joined(span for question in (recent, run) for span in question.shopping().spans())
        return Plan(yardstick, today, recent, run, spans)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a service, up to a moment, with what is known of the past."""

    plan: Plan
    past: Past
    moment: Moment

    def record(self, readings: Readings) -> EvaluationRecorded:
        """Return the live status."""
        plan = self.plan
        recent = Answerer(plan.recent, readings, self.moment)
        run = Answerer(plan.run, readings, self.moment, seen=recent.sources)
        digest = readings.digest(self.past.stamp, *plan.yardstick.own_versions)
        record = recorded(plan.recent, recent.outcome({}, plan.today), digest=digest, closed=False)
        watched = {one.target: one for one in run.outcome({}, plan.today).targets}
        return record.model_copy(
            update={"targets": tuple(self._targets(watched)), "benchmarks": tuple(self._benchmarks())}
        )

    def _targets(self, watched: dict[str, TargetResult]) -> Iterator[TargetResult]:
        for target in self.plan.yardstick.targets:
            if target.kpi in self.plan.yardstick.known:
                found = watched.get(target.id) or self._by_period(target)
                yield with_course(found, self.past.courses)

    def _by_period(self, target: Target) -> TargetResult:
        definition = self.plan.yardstick.known[target.kpi]
        cycle = period_of(self.plan.yardstick.cycle, self.plan.today, self.plan.yardstick.zone)
        period = PeriodOnWire(start=instant(cycle.start_ms), end=instant(cycle.end_ms), zone=cycle.zone)
        reason = "no period has closed yet" if self.past.newest is None else "no period has closed since it was set"
        nothing = not_yet(definition, self.plan.yardstick.settings, period, target.cut, reason)
        before = self.past.newest.targets if self.past.newest else ()
        return judge_by_period(target, nothing, before, self.plan.today, hindrance(definition) or "")

    def _benchmarks(self) -> Iterator[BenchmarkResult]:
        newest = self.past.newest
        for one in self.plan.yardstick.benchmarks:
            yield as_left(one, newest.benchmarks if newest else (), newest.period if newest else None)


def _is_watched(yardstick: Yardstick, target: Target) -> bool:
    definition = yardstick.known.get(target.kpi)
    return definition is not None and hindrance(definition) is None


def period_now(zone: str, now: datetime) -> Period:
    """Return the last 30 local days, today included."""
    return _last_days(calendar(zone).date_of(ms_of(now)), zone)


def _last_days(today: date, zone: str) -> Period:
    """Return the last 30 local days, of which this is the last."""
    return Period.last_days(today + timedelta(days=1), DAYS, zone)
