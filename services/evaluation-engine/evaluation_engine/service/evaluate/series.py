"""One KPI over time, in total or by a dimension, from aggregates: its cost doesn't grow with the number of events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from civiloop_shared.contracts.evaluations import KpiResult
from civiloop_shared.errors import ValidationError, ValidationFault
from evaluation_engine.domain.accumulator import LazySum, Measures, merge
from evaluation_engine.domain.buckets import DAY_MS, QUARTER_MS, Period, calendar, next_month, split
from evaluation_engine.domain.evidence import Evidence, stored_cut
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.domain.kpi import Definition, PerStep
from evaluation_engine.domain.result import evaluate
from evaluation_engine.errors import UnknownKpiError
from evaluation_engine.ports.measures import MeasureReader, Span
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.compute import Answerer, Moment, Question
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.periods import bounded, day_of
from evaluation_engine.service.evaluate.readings import Readings, Shopping
from evaluation_engine.service.evaluate.yardstick import Yardstick

Every = Literal["quarter_hour", "hour", "day", "week", "month"]
MOST_POINTS = 5_000
_HOUR_MS = 3_600_000
_SHORT: dict[str, int] = {"quarter_hour": QUARTER_MS, "hour": _HOUR_MS}
_BY_DEFAULT = {"quarter_hour": 1, "hour": 7, "day": 31, "week": 182, "month": 396}


@dataclass(frozen=True, slots=True)
class Asked:
    """A series to be made; days and instants as the caller wrote them."""

    kpi: str
    first: str | None = None
    last: str | None = None
    every: Every = "month"
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points in order of time, then of cut."""

    yardstick: Yardstick
    definition: Definition
    points: tuple[KpiResult, ...]
    at: datetime
    complete_until: datetime | None


@dataclass(frozen=True, slots=True)
class SeriesDesk:
    """Makes series."""

    yardsticks: Yardsticks
    reader: MeasureReader
    evaluating: Evaluating

    async def make(self, body: str, service: str, asked: Asked) -> Series:
        """Return a series. Raises ``UnknownServiceError``, ``UnknownKpiError``, ``ValidationError``."""
        yardstick = await self.yardsticks.of(body, service)
        definition = yardstick.known.get(asked.kpi)
        if definition is None:
            raise UnknownKpiError
        at = self.evaluating.clock()
        period = _range(asked, yardstick, at)
        cuts = _cuts(asked, yardstick, definition)
        _check_size(period, asked.every, cuts)
        complete = await self.reader.complete_until()
        maker = _Maker(yardstick, definition, period, cuts, asked.every, _moment(at, complete))
        spans = maker.spans()
        rows = await self.reader.read(service, spans)
        points = await asyncio.to_thread(lambda: tuple(maker.points(Readings.of(spans, rows))))
        return Series(yardstick, definition, points, at, complete)


@dataclass(frozen=True, slots=True)
class _Maker:
    yardstick: Yardstick
    definition: Definition
    period: Period
    cuts: tuple[str, ...]
    every: Every
    moment: Moment

    @property
    def per_step(self) -> bool:
        return isinstance(self.definition.measure, PerStep)

    @property
    def days_only(self) -> bool:
        return self.definition.start_days_needed or self.definition.buckets_needed

    def spans(self) -> list[Span]:
        shopping = Shopping()
        shopping.history(self.period, self.yardstick.silent_after_ms)
        wanted = [stored_cut(cut, per_step=self.per_step)[0] for cut in self.cuts]
        stored = {one for cut in wanted for _, one in self.definition.reads(cut)}
        stored.update(self._compared)
        if self.every in _SHORT:
            shopping.range("quarter", self.period.start_ms, self.period.end_ms, stored)
        else:
            shopping.period(self.period, stored, days_only=self.days_only or self.every != "month")
        return shopping.spans()

    def points(self, readings: Readings) -> Iterator[KpiResult]:
        answerer = Answerer(Question(self.yardstick, self.period), readings, self.moment)
        for start_ms, end_ms, part in self._parts():
            if start_ms >= self.moment.now_ms:
                return
            for cut in self.cuts:
                yield evaluate(self.definition, self._evidence(readings, answerer, cut, (start_ms, end_ms, part)))

    def _evidence(
        self, readings: Readings, answerer: Answerer, cut: str, point: tuple[int, int, Period | None]
    ) -> Evidence:
        start_ms, end_ms, part = point
        stored, step = stored_cut(cut, per_step=self.per_step)
        reads = self.definition.reads(stored)
        if part is None:
            quarters = (readings.at("quarter", at, reads) for at in range(start_ms, end_ms, QUARTER_MS))
            parts = [measures for measures in quarters if measures]
        else:
            parts = readings.combined(part, reads, days_only=self.days_only or self.every != "month")
        complete = self.moment.complete_until_ms
        return Evidence(
            start_ms=start_ms,
            end_ms=end_ms,
            zone=self.period.zone,
            as_of_ms=answerer.as_of_ms,
            measures=LazySum(parts) if self.definition.start_days_needed else merge(parts),
            sources=answerer.sources,
            cut=cut,
            step=step,
            buckets=tuple(parts) if self.definition.buckets_needed else (),
            cohorts=readings.cohorts(part, stored) if part and self.definition.start_days_needed else (),
            complete_until_ms=None if complete is None else min(complete, end_ms),
            settings=self.yardstick.settings,
            groups=self._groups(readings, cut, part),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        """Groups that each point compares: by days and longer only, quarter hours aren't kept by segment."""
        return () if self.every in _SHORT else self.yardstick.groups_of(self.definition)

    def _groups(self, readings: Readings, cut: str, part: Period | None) -> dict[str, Measures]:
        if cut or part is None:
            return {}
        days_only = self.days_only or self.every != "month"
        return {one: readings.total(part, one, days_only=days_only) for one in self._compared}

    def _parts(self) -> Iterator[tuple[int, int, Period | None]]:
        length = _SHORT.get(self.every)
        if length is None:
            for part in split(self.period, self.every):  # type: ignore[arg-type]
                yield part.start_ms, part.end_ms, part
            return
        for start_ms in range(self.period.start_ms, self.period.end_ms, length):
            yield start_ms, start_ms + length, None


def _range(asked: Asked, yardstick: Yardstick, at: datetime) -> Period:
    """Return the days that a series spans, widened to whole weeks or months."""
    zone = yardstick.zone
    today = calendar(zone).date_of(ms_of(at))
    last = _day("to", asked.last, zone, today + timedelta(days=1))
    first = _day("from", asked.first, zone, last - timedelta(days=_BY_DEFAULT[asked.every]))
    if asked.every == "week":
        first -= timedelta(days=first.weekday())
    if asked.every == "month":
        first = first.replace(day=1)
        last = last if last.day == 1 else next_month(last)
    try:
        return bounded(first, last, zone)
    except ValueError as error:
        raise _fault("from", str(error)) from None


def _day(name: str, text: str | None, zone: str, default: date) -> date:
    if text is None:
        return default
    try:
        return day_of(text, zone)
    except ValueError as error:
        reason = str(error) if "whole days" in str(error) or "offset" in str(error) else "must be a date"
        raise _fault(name, reason) from None


def _cuts(asked: Asked, yardstick: Yardstick, definition: Definition) -> tuple[str, ...]:
    by_segment = definition.where is not None and definition.where.other is not None
    if asked.every in _SHORT and (definition.start_days_needed or by_segment):
        raise _fault("every", "this KPI is known by whole days and longer only")
    if asked.by is None:
        cuts: tuple[str, ...] = ("",)
    else:
        kept = yardstick.dimensions_of(definition)
        if asked.by not in kept:
            raise _fault("by", f"this KPI is cut here by {', '.join(kept) or 'nothing'}")
        if asked.every in _SHORT and asked.by != "channel":
            raise _fault("by", "quarter hours and hours are kept in total and by channel only")
        cuts = yardstick.cuts_by(asked.by)
    return cuts


def _check_size(period: Period, every: Every, cuts: Sequence[str]) -> None:
    """Raise ``ValidationError`` when a series would have too many points."""
    length = _SHORT.get(every) or {"day": DAY_MS, "week": 7 * DAY_MS, "month": 28 * DAY_MS}[every]
    if (period.end_ms - period.start_ms) // length * len(cuts) > MOST_POINTS:
        raise _fault("from", f"that would be more than {MOST_POINTS} points")


def _moment(at: datetime, complete: datetime | None) -> Moment:
    return Moment.of(at, complete)


def _fault(name: str, reason: str) -> ValidationError:
    return ValidationError.of(ValidationFault(name, reason))
