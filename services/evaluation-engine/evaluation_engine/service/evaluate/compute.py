"""One evaluation: from readings to results, verdicts and the state of every rule. The same inputs give the same."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from civiloop_shared.contracts.evaluations import BenchmarkResult, KpiResult, TargetResult
from evaluation_engine.domain.accumulator import LazySum
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.evidence import Evidence, Sources, stored_cut
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.domain.intervals import LEVEL
from evaluation_engine.domain.kpi import Definition, PerStep
from evaluation_engine.domain.redesign.judgement import judge as judge_benchmark
from evaluation_engine.domain.result import evaluate
from evaluation_engine.domain.rule import Memory
from evaluation_engine.domain.target import judge, level_of
from evaluation_engine.domain.where import SignedCut
from evaluation_engine.ports.evaluations import Memory as StoredMemory
from evaluation_engine.service.evaluate.readings import Readings, Shopping, history_edge_ms
from evaluation_engine.service.evaluate.yardstick import Yardstick

_JOURNEYS = "journeys"
_LONGEST_WINDOW_DAYS = 365
_FEW_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """When an evaluation looks: now, and up to when everything is counted."""

    now_ms: int
    complete_until_ms: int | None

    @staticmethod
    def of(now: datetime, complete_until: datetime | None) -> Moment:
        """The same by datetimes."""
        return Moment(ms_of(now), None if complete_until is None else ms_of(complete_until))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation says. ``memory`` is the state of each rule after it."""

    as_of_ms: int
    results: tuple[KpiResult, ...]
    cuts: tuple[KpiResult, ...]
    targets: tuple[TargetResult, ...]
    benchmarks: tuple[BenchmarkResult, ...]
    memory: StoredMemory


@dataclass(frozen=True)
class Question:
    """What is to be known of a service over a period; ``all_cuts`` asks for each dimension beside the total.

    With ``runs`` the period is one of so many runs a year that are looked at again and again: targets alone are asked.
    """

    yardstick: Yardstick
    period: Period
    all_cuts: bool = False
    runs: int | None = None

    def shopping(self) -> Shopping:
        """Return what has to be read to answer."""
        shopping = Shopping()
        if self.runs is None:
            shopping.history(self.period, self.yardstick.silent_after_ms)
        shopping.period(self.period, self.yardstick.channel_cuts.values())
        for definition, cut, _ in self.asked:
            stored, _step = stored_cut(cut, per_step=isinstance(definition.measure, PerStep))
            window, reads = window_of(definition, self.period), [one for _, one in definition.reads(stored)]
            shopping.period(window, reads, days_only=definition.start_days_needed)
            if _by_days(definition, window):
                shopping.period(window, reads, days_only=True)
            if not cut:
                shopping.period(window, self.yardstick.groups_of(definition))
        return shopping

    @cached_property
    def asked(self) -> tuple[tuple[Definition, str, float], ...]:
        """All results that are needed, once each: KPI, cut, level."""
        in_use = () if self.runs else self._by_id(self.yardstick.definitions)
        found = dict.fromkeys((definition, "", LEVEL) for definition in in_use)
        for target in self.yardstick.targets:
            if target.kpi in self.yardstick.known:
                found[target.kpi, target.cut, level_of(target, self.runs)] = None
        for benchmark in self.yardstick.benchmarks:
            for criterion in benchmark.criteria:
                if criterion.kpi in self.yardstick.known:
                    found[criterion.kpi, criterion.cut, LEVEL] = None
        if self.all_cuts:
            found.update(dict.fromkeys(self._single_cuts()))
        return tuple((self.yardstick.known[kpi], cut, level) for kpi, cut, level in found)

    def _single_cuts(self) -> Iterable[tuple[str, str, float]]:
        """Yield each dimension alone. Survival by channel only: it needs every start day of every cut."""
        for definition in self.yardstick.definitions:
            for dimension in self.yardstick.dimensions_of(definition):
                if definition.start_days_needed and dimension != "channel":
                    continue
                for cut in self.yardstick.cuts_by(dimension):
                    yield definition.id, cut, LEVEL

    @staticmethod
    def _by_id(definitions: Iterable[Definition]) -> Iterable[str]:
        return (definition.id for definition in definitions)


def window_of(definition: Definition, period: Period) -> Period:
    """Return what a KPI is computed over: the period, or what its definition says up to its end.

    A calendar month is the last whole one that has ended by the end of the period.
    """
    end = period.end
    match definition.window:
        case "12 months" if period.days < _LONGEST_WINDOW_DAYS:
            return Period(date(end.year - 1, end.month, _day_of(end)), end, period.zone)
        case "3 months":
            first = _months_before(end, 3)
            return Period(first, end, period.zone)
        case "calendar month":
            last = end.replace(day=1)
            return Period(_months_before(last, 1), last, period.zone)
        case _:
            return period


def _day_of(day: date) -> int:
    return min(day.day, 28) if day.month == 2 else day.day


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _by_days(definition: Definition, window: Period) -> bool:
    """Whether a ratio takes days as its units: over a few months, months would be too few of them."""
    return definition.buckets_needed and window.days < 31 * _FEW_MONTHS


_EvidenceKey = tuple[str, tuple[SignedCut, ...], Period, bool, bool, tuple[str, ...]]


@dataclass(frozen=True)
class Answerer:
    """Answers one question from its readings; ``seen`` is when each source spoke last, where another has found out."""

    question: Question
    readings: Readings
    moment: Moment
    seen: Sources | None = None
    _evidence: dict[_EvidenceKey, Evidence] = field(default_factory=dict)

    @cached_property
    def sources(self) -> Sources:
        """When each source spoke last, up to the end of the period."""
        if self.seen is not None:
            return self.seen
        yardstick, period = self.question.yardstick, self.question.period
        in_zone = calendar(period.zone)
        by_days = period.start_ms if self._knows_days else period.end_ms
        edge = min(by_days, history_edge_ms(period, yardstick.silent_after_ms))
        months = [
            (Period.month_of(in_zone.date_of(start), period.zone).end_ms, measures)
            for start, measures in self.readings.of_cut("month", "").items()
            if start < edge
        ]
        days = [
            (min(in_zone.day_start(start + 36 * 3_600_000), period.end_ms), measures)
            for start, measures in self.readings.of_cut("day", "").items()
            if edge <= start < period.end_ms
        ]
        return Sources.of((*months, *days), yardstick.needs, yardstick.silent_after_ms)

    @property
    def _knows_days(self) -> bool:
        """Whether every day of the period was read, for survival: they tell more exactly when a log ended."""
        return any(definition.start_days_needed for definition, cut, _ in self.question.asked if not cut)

    @cached_property
    def as_of_ms(self) -> int:
        """Up to when journeys were followed: the end of the period, now, or what a log that ended observed.

        Within a period that goes on long after the last word of the source of journeys, nobody was followed after it:
        so are imports, whose last event lies years back.
        """
        until = min(self.question.period.end_ms, self.moment.now_ms)
        needs = [need for need in self.question.yardstick.needs if need.source == _JOURNEYS]
        last = max((self.sources.last_seen_ms.get(need.name, 0) for need in needs), default=0)
        ended = self.question.period.start_ms < last < until - self.question.yardstick.silent_after_ms
        return last if ended else until

    @cached_property
    def channels_reporting(self) -> tuple[str, ...]:
        """Channels from which anything came in the period."""
        period = self.question.period
        cuts = self.question.yardstick.channel_cuts.items()
        return tuple(channel for channel, cut in cuts if self.readings.parts(period, cut))

    def result(self, definition: Definition, cut: str, level: float) -> KpiResult:
        """Return one result."""
        repeated = self.question.runs is not None
        return evaluate(definition, self.evidence(definition, cut), level=level, repeated_looks=repeated)

    def outcome(self, memory: StoredMemory, today: date) -> Outcome:
        """Return all results, and the verdicts on them."""
        found = {
            (definition.id, cut, level): self.result(definition, cut, level)
            for definition, cut, level in self.question.asked
        }
        used = {definition.id for definition in self.question.yardstick.definitions}
        totals = tuple(one for (kpi, cut, level), one in found.items() if kpi in used and not cut and level == LEVEL)
        cuts = tuple(one for (_, cut, level), one in found.items() if cut and level == LEVEL and one.n)
        runs = self.question.runs
        targets = tuple(
            judge(target, found[target.kpi, target.cut, level_of(target, runs)], today, runs=runs)
            for target in self.question.yardstick.targets
            if target.kpi in self.question.yardstick.known
        )
        benchmarks, after = self._judged(found, memory)
        return Outcome(self.as_of_ms, totals, cuts, targets, benchmarks, after)

    def _judged(
        self, found: Mapping[tuple[str, str, float], KpiResult], memory: StoredMemory
    ) -> tuple[tuple[BenchmarkResult, ...], StoredMemory]:
        results = {(kpi, cut): one for (kpi, cut, level), one in found.items() if level == LEVEL}
        judged: list[BenchmarkResult] = []
        after: dict[str, dict[str, dict[str, str | int]]] = {}
        for one in self.question.yardstick.benchmarks:
            before = {rule: Memory.from_json(stored) for rule, stored in memory.get(one.id, {}).items()}
            judgement = judge_benchmark(one, results, before)
            judged.append(judgement.to_result(one, self.question.yardstick.known))
            after[one.id] = {rule: state.to_json() for rule, state in sorted(judgement.memories.items())}
        return tuple(judged), after

    def evidence(self, definition: Definition, cut: str) -> Evidence:
        """Return what a result is computed from."""
        stored, step = stored_cut(cut, per_step=isinstance(definition.measure, PerStep))
        window = window_of(definition, self.question.period)
        reads, compared = definition.reads(stored), definition.compared_by
        key = (cut, reads, window, definition.start_days_needed, definition.buckets_needed, compared)
        known = self._evidence.get(key)
        if known is None:
            known = self._evidence[key] = self._gather(definition, cut, stored, step, window)
        return known

    def _gather(self, definition: Definition, cut: str, stored: str, step: str | None, window: Period) -> Evidence:
        days_only = definition.start_days_needed or _by_days(definition, window)
        reads = definition.reads(stored)
        # the sum of a year of start days has thousands of bins, which nothing but the life table reads
        few = definition.start_days_needed
        apart = few or definition.buckets_needed
        parts = self.readings.combined(window, reads, days_only=days_only) if apart else []
        yardstick = self.question.yardstick
        complete = self.moment.complete_until_ms
        return Evidence(
            start_ms=window.start_ms,
            end_ms=window.end_ms,
            zone=window.zone,
            as_of_ms=self.as_of_ms,
            measures=LazySum(parts) if few else self.readings.sum(window, reads, days_only=days_only),
            sources=self.sources,
            cut=cut,
            step=step,
            buckets=tuple(parts) if definition.buckets_needed else (),
            cohorts=self.readings.cohorts(window, stored) if definition.start_days_needed else (),
            channels_reporting=self.channels_reporting,
            channels_expected=tuple(yardstick.channel_cuts),
            complete_until_ms=None if complete is None else min(complete, self.question.period.end_ms),
            settings=yardstick.settings,
            groups={} if cut else {one: self.readings.total(window, one) for one in yardstick.groups_of(definition)},
        )
