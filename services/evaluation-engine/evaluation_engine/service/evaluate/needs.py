"""What a service must send for its KPIs, what of it arrives, and since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.domain.kpi import Definition, Need
from evaluation_engine.ports.catalogue import DocumentName, StoredCatalogue
from evaluation_engine.ports.measures import MeasureReader, Span
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.evaluate.yardstick import Yardstick, yardsticks

Arrival = Literal["arrives", "silent", "never"]


@dataclass(frozen=True, slots=True)
class NeedState:
    """One thing that has to be sent: the local days on which it came first and last."""

    need: Need
    state: Arrival
    since: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class KpiNeeds:
    """What one KPI needs. ``computable_from`` is the first day on which all of it had arrived."""

    definition: Definition
    needs: tuple[NeedState, ...]

    @property
    def state(self) -> Literal["measured", "partly", "silent", "not_measured"]:
        """Whether it can be measured: the first need is what is divided by, without it there is nothing."""
        states = [one.state for one in self.needs]
        if states[0] == "never":
            return "not_measured"
        if "never" in states:
            return "partly"
        return "silent" if "silent" in states else "measured"

    @property
    def computable_from(self) -> date | None:
        """The first day for which it can be computed from what is kept; None while something never arrived."""
        days = [one.since for one in self.needs]
        return None if None in days else max(day for day in days if day is not None)


@dataclass(frozen=True, slots=True)
class ServiceNeeds:
    """All KPIs in use, in the order of the scorecard."""

    yardstick: Yardstick
    kpis: tuple[KpiNeeds, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class NeedsDesk:
    """Looks which events and fields arrive."""

    yardsticks: Yardsticks
    reader: MeasureReader
    evaluating: Evaluating

    async def of(self, body: str, service: str) -> ServiceNeeds:
        """Return the needs of a service. Raises ``UnknownServiceError``."""
        yardstick = await self.yardsticks.of(body, service)
        return await self._of(yardstick, yardstick.definitions)

    async def edited(
        self, body: str, documents: Mapping[DocumentName, Mapping[str, Any]], kpis: Collection[str]
    ) -> list[tuple[str, KpiNeeds]]:
        """Return what some KPIs need in each service that uses them by documents that need not be stored."""
        if not kpis:
            return []
        services = yardsticks(body, StoredCatalogue(0, documents, {}))
        used = {name: [one for one in services[name].definitions if one.id in kpis] for name in sorted(services)}
        found = [await self._of(services[name], definitions) for name, definitions in used.items() if definitions]
        return [(one.yardstick.service, kpi) for one in found for kpi in one.kpis]

    async def _of(self, yardstick: Yardstick, definitions: Sequence[Definition]) -> ServiceNeeds:
        at = self.evaluating.clock()
        now_ms = ms_of(at)
        parts = dict.fromkeys(one.reads("") for one in definitions)
        cuts = frozenset(cut for reads in parts for _, cut in reads)
        months = await self._read(yardstick.service, [Span("month", 0, now_ms + 1, cuts)])
        seen = {reads: _Seen(yardstick, months.buckets_of("month", reads)) for reads in parts}
        opened = sorted({span for one in seen.values() for span in one.months_to_open()})
        days = await self._read(yardstick.service, [Span("day", from_ms, to_ms, cuts) for from_ms, to_ms in opened])
        by_day = {reads: days.buckets_of("day", reads) for reads in parts}
        kpis = tuple(
            KpiNeeds(one, tuple(seen[reads].state(need, one.needs, by_day[reads], now_ms) for need in one.needs))
            for one in definitions
            for reads in (one.reads(""),)
        )
        return ServiceNeeds(yardstick, kpis, at)

    async def _read(self, service: str, spans: list[Span]) -> Readings:
        return Readings.of(spans, await self.reader.read(service, spans)) if spans else Readings({})


@dataclass
class _Seen:
    """In which months each need arrived first and last; the days are then read of these months only."""

    yardstick: Yardstick
    months: Mapping[int, Measures]
    _found: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for need in self.yardstick.needs:
            starts = [start for start, measures in self.months.items() if need.arrives_in(measures)]
            if starts:
                self._found[need.name] = (min(starts), max(starts))

    def months_to_open(self) -> set[tuple[int, int]]:
        return {self._span(start) for found in self._found.values() for start in found}

    def state(self, need: Need, related: Iterable[Need], days: Mapping[int, Measures], now_ms: int) -> NeedState:
        if need.name not in self._found:
            return NeedState(need, "never", None, None)
        arrived = self._days(need, days)
        spoke = [
            max(days_of)
            for one in related
            if one.source == need.source == "journeys" and (days_of := self._days(one, days))
        ]
        last = max([*arrived[-1:], *spoke], default=0)
        silent = need.source != "feedback" and last < now_ms - self.yardstick.silent_after_ms
        in_zone = calendar(self.yardstick.zone)
        first, newest = (in_zone.date_of(start) for start in (arrived[0], arrived[-1]))
        return NeedState(need, "silent" if silent else "arrives", first, newest)

    def _days(self, need: Need, days: Mapping[int, Measures]) -> list[int]:
        if need.name not in self._found:
            return []
        spans = [self._span(start) for start in self._found[need.name]]
        inside = (start for start, measures in days.items() if need.arrives_in(measures))
        return sorted(start for start in inside if any(low <= start < high for low, high in spans)) or list(
            self._found[need.name]
        )

    def _span(self, month_start: int) -> tuple[int, int]:
        zone = self.yardstick.zone
        day = calendar(zone).date_of(month_start + timedelta(hours=12) // timedelta(milliseconds=1))
        return month_start, Period.month_of(day, zone).end_ms
