"""Evaluations that are due: closed periods of a service's cycle, in order, again when late data changes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import instant, ms_of
from evaluation_engine.ports.evaluations import EvaluationStore, Known, Memory, Stored
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.catalogue.documents import Cycle
from evaluation_engine.service.evaluate.compute import window_of
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.periods import due
from evaluation_engine.service.evaluate.yardstick import Yardstick

_MARGIN = timedelta(seconds=15)
"""How long after its time of change a row may become visible: a transaction can't last longer."""

_LONGEST_PAUSE = timedelta(days=1)
_Name = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long inputs must rest before a closed period is evaluated, the longest wait, and how far back to go.

    After revision n a period is left alone for ``pause`` × 2ⁿ⁻¹, a day at most: cases of last month that end all
    through this month must not make a revision each.
    """

    settle: timedelta = timedelta(seconds=3)
    longest: timedelta = timedelta(seconds=60)
    pause: timedelta = timedelta(seconds=10)
    periods: int = 400

    def rests(self, old: Known, now: datetime) -> bool:
        """Whether it is too early for another revision."""
        doubled = self.pause * (1 << min(old.revision - 1, 30))
        return now < old.stored_at + min(doubled, _LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Pass:
    """What one look at a service did; ``waiting`` when a period is due whose inputs have not settled."""

    created: tuple[Stored, ...]
    waiting: bool


@dataclass(slots=True)
class Scheduler:
    """Looks at one service at a time; remembers what it has seen so that a look without news costs one query."""

    evaluating: Evaluating
    reader: MeasureReader
    store: EvaluationStore
    patience: Patience = Patience()
    _seen: dict[_Name, datetime] = field(default_factory=dict)
    _noticed: dict[_Name, datetime] = field(default_factory=dict)

    async def look(self, yardstick: Yardstick) -> Pass:
        """Evaluate what is due, earliest first: the state of rules goes from one period to the next."""
        complete = await self.reader.complete_until()
        if complete is None:
            return Pass((), waiting=False)
        found = await self.reader.changed_days(yardstick.service)
        in_zone = calendar(yardstick.zone)
        days = {in_zone.date_of(day.start_ms): day.changed_at for day in found.days}
        known = {one.start: one for one in await self.store.known(yardstick.service, yardstick.cycle.value)}
        periods = due(
            yardstick.cycle,
            days,
            yardstick.zone,
            complete_until_ms=ms_of(complete),
            most=self.patience.periods,
        )
        return await self._evaluate(yardstick, periods, days, known, found.read_at)

    async def _evaluate(
        self,
        yardstick: Yardstick,
        periods: list[Period],
        days: Mapping[date, datetime],
        known: Mapping[datetime, Known],
        now: datetime,
    ) -> Pass:
        created: list[Stored] = []
        memory: Memory = {}
        for period in periods:
            start = instant(period.start_ms)
            old = known.get(start)
            name = (yardstick.service, start)
            changed = _last_change(yardstick, period, days)
            if old is not None and old.memory_before == memory and not self._is_due(name, old, changed, now):
                memory = old.memory_after
                continue
            if not self._settled(name, changed, now):
                return Pass(tuple(created), waiting=True)
            stored, after = await self.evaluating.evaluate(
                yardstick, period, memory, cycle=yardstick.cycle.value, read_at=now
            )
            if changed is not None:
                self._seen[name] = changed
            if stored.created:
                created.append(stored)
            memory = after if stored.created or old is None else old.memory_after
        return Pass(tuple(created), waiting=False)

    def _is_due(self, name: _Name, old: Known, changed: datetime | None, now: datetime) -> bool:
        return not self.patience.rests(old, now) and self._changed(name, old, changed, now)

    def _changed(self, name: _Name, old: Known, changed: datetime | None, now: datetime) -> bool:
        """Whether inputs may have changed since the last check: checked once at the change, once after the margin."""
        if changed is None or old.checked_at >= changed + _MARGIN:
            return False
        return now >= changed + _MARGIN or self._seen.get(name) != changed

    def _settled(self, name: _Name, changed: datetime | None, now: datetime) -> bool:
        if changed is None or now - changed >= self.patience.settle:
            self._noticed.pop(name, None)
            return True
        first = self._noticed.setdefault(name, now)
        if now - first >= self.patience.longest:
            del self._noticed[name]
            return True
        return False


def _last_change(yardstick: Yardstick, period: Period, days: Mapping[date, datetime]) -> datetime | None:
    """Return when anything changed that the evaluation reads.

    On shorter cycles a late cost of last year doesn't bring up all evaluations of the year since: a KPI over 12 months
    keeps there what was known when the period was evaluated.
    """
    first = period.start
    if yardstick.cycle is Cycle.MONTHLY:
        first = min((window_of(one, period).start for one in yardstick.definitions), default=first)
    return max((at for day, at in days.items() if first <= day < period.end), default=None)
