"""The live status: the last 30 days up to now, a moment after anything changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.ports.evaluations import EvaluationStore
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.record import canonical
from evaluation_engine.service.evaluate.trends import Trends
from evaluation_engine.service.evaluate.yardstick import Yardstick

DAYS = 30
"""A rolling window shows the fixed-sample interval, not for repeated looks, and raises no alarm by it."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """Computes and stores the live status of a service."""

    evaluating: Evaluating
    store: EvaluationStore
    trends: Trends

    async def refresh(self, yardstick: Yardstick) -> EvaluationRecorded:
        """Compute and store. Rules start from what the last scheduled evaluation left, and aren't moved on."""
        now = self.evaluating.clock()
        memory = await self.store.latest_memory(yardstick.service, yardstick.cycle.value, now)
        evaluated = await self.evaluating.compute(yardstick, period_now(yardstick.zone, now), memory)
        record = await self.trends.flagged(yardstick, evaluated.record)
        await self.store.put_live(yardstick.service, canonical(record), evaluated.at)
        return record


def period_now(zone: str, now: datetime) -> Period:
    """Return the last 30 local days, today included."""
    tomorrow = calendar(zone).date_of(round(now.timestamp() * 1000)) + timedelta(days=1)
    return Period.last_days(tomorrow, DAYS, zone)
