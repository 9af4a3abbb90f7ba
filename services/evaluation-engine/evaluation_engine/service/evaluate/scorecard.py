"""A scorecard of any period: live, as evaluated, or computed from aggregates on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.errors import ValidationError, ValidationFault
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import instant, ms_of
from evaluation_engine.ports.evaluations import EvaluationStore, Memory, Stored
from evaluation_engine.service.evaluate import record as records
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.evaluating import ON_DEMAND, Evaluating
from evaluation_engine.service.evaluate.live import LiveStatus
from evaluation_engine.service.evaluate.periods import asked, cut_at, due_ms, period_of
from evaluation_engine.service.evaluate.yardstick import Yardstick

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A record and where it is from; ``at`` is when it was stored or computed."""

    yardstick: Yardstick
    record: EvaluationRecorded
    source: Literal["live", "evaluation", "computed"]
    at: datetime


@dataclass(frozen=True, slots=True)
class Scorecards:
    """Reads scorecards and evaluates on demand."""

    yardsticks: Yardsticks
    evaluating: Evaluating
    store: EvaluationStore
    live: LiveStatus

    async def of(self, body: str, service: str, period: str) -> Scorecard:
        """Return the scorecard of a period. Raises ``UnknownServiceError``, and ``ValidationError`` for the period."""
        yardstick = await self.yardsticks.of(body, service)
        if period == LIVE:
            return await self._live(yardstick)
        wanted = asked(period, yardstick.zone)
        start, end = instant(wanted.start_ms), instant(wanted.end_ms)
        stored = await self.store.newest_of(service, start, end)
        if stored is not None:
            return Scorecard(yardstick, records.read(stored.record), "evaluation", stored.stored_at)
        memory = await self._memory(yardstick, start)
        evaluated = await self.evaluating.compute(yardstick, wanted, memory)
        return Scorecard(yardstick, evaluated.record, "computed", evaluated.at)

    async def as_of(self, body: str, service: str, as_of: str, period: str | None) -> Scorecard | Stored:
        """Evaluate a period, or the one of the cycle that is open then, up to an instant: as if that were now.

        What came in later about the time before is counted. A whole period of the cycle becomes its evaluation; any
        other is returned and not stored.
        """
        yardstick = await self.yardsticks.of(body, service)
        edge = cut_at(as_of, yardstick.zone)
        last = edge - timedelta(days=1)
        whole = period_of(yardstick.cycle, last, yardstick.zone) if period is None else asked(period, yardstick.zone)
        now_ms = self.evaluating.clock().timestamp() * 1000
        if not whole.start < edge or calendar(yardstick.zone).start_of(edge) > now_ms:
            raise ValidationError.of(
                ValidationFault("as_of", "must lie after the period's start and not in the future")
            )
        cut = Period(whole.start, min(whole.end, edge), yardstick.zone)
        if cut == period_of(yardstick.cycle, cut.start, yardstick.zone):
            return await self.evaluate(body, service, f"{cut.start}/{cut.end}")
        memory = await self._memory(yardstick, instant(cut.start_ms))
        evaluated = await self.evaluating.compute(yardstick, cut, memory, all_cuts=True)
        return Scorecard(yardstick, evaluated.record, "computed", evaluated.at)

    async def evaluate(self, body: str, service: str, period: str | None) -> Stored:
        """Evaluate now and store: the current period of the cycle so far, or the period that is asked for.

        A period of the cycle that has ended becomes its evaluation, as the schedule would have made it.
        """
        yardstick = await self.yardsticks.of(body, service)
        wanted = self._current(yardstick) if period is None else asked(period, yardstick.zone)
        now_ms = self.evaluating.clock().timestamp() * 1000
        if wanted.start_ms > now_ms:
            raise ValidationError.of(ValidationFault("period", "has not begun yet"))
        of_cycle = period_of(yardstick.cycle, wanted.start, yardstick.zone) == wanted
        scheduled = of_cycle and due_ms(yardstick.cycle, wanted) <= now_ms
        cycle = yardstick.cycle.value if scheduled else ON_DEMAND
        memory = await self._memory(yardstick, instant(wanted.start_ms))
        stored, _ = await self.evaluating.evaluate(yardstick, wanted, memory, cycle=cycle)
        return stored

    async def evaluations(
        self, body: str, service: str, *, limit: int, before: int | None, all_revisions: bool
    ) -> list[Stored]:
        """Return stored evaluations, newest first."""
        await self.yardsticks.of(body, service)
        return await self.store.list(service, limit=limit, before=before, all_revisions=all_revisions)

    async def newest(self, body: str, service: str) -> Scorecard:
        """Return the newest closed evaluation of the service's cycle, or the live status before there is one."""
        yardstick = await self.yardsticks.of(body, service)
        stored = await self.store.newest(service, yardstick.cycle.value)
        if stored is None:
            return await self._live(yardstick)
        return Scorecard(yardstick, records.read(stored.record), "evaluation", stored.stored_at)

    async def _live(self, yardstick: Yardstick) -> Scorecard:
        found = await self.store.live(yardstick.service)
        if found is None:
            fresh = await self.live.refresh(yardstick)
            return Scorecard(yardstick, fresh, "live", self.evaluating.clock())
        return Scorecard(yardstick, records.read(found[0]), "live", found[1])

    async def _memory(self, yardstick: Yardstick, before: datetime) -> Memory:
        return await self.store.latest_memory(yardstick.service, yardstick.cycle.value, before)

    def _current(self, yardstick: Yardstick) -> Period:
        today = calendar(yardstick.zone).date_of(ms_of(self.evaluating.clock()))
        return period_of(yardstick.cycle, today, yardstick.zone)
