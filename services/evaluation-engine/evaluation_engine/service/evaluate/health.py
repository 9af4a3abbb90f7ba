"""The health card of a service, from its newest closed evaluation, those before it, and what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from evaluation_engine.domain.buckets import calendar
from evaluation_engine.domain.goal import Alignment, align
from evaluation_engine.domain.health.aims import aims, judged
from evaluation_engine.domain.health.answer import Answered, Signs
from evaluation_engine.domain.health.flavours import Flavour, flavours
from evaluation_engine.domain.health.steps import stands_at, steps
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.ports.evaluations import EvaluationStore
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.evaluate import record as records
from evaluation_engine.service.evaluate.knowing import Findings
from evaluation_engine.service.evaluate.needs import NeedsDesk
from evaluation_engine.service.evaluate.periods import due_ms, period_of
from evaluation_engine.service.evaluate.yardstick import Yardstick

PERIODS = 12
"""How many closed periods the card looks back over."""


@dataclass(frozen=True, slots=True)
class HealthCard:
    """What the card says; ``newest`` is the evaluation that it is about, None before there is one."""

    newest: EvaluationRecorded | None
    flavours: tuple[Flavour, ...]
    alignment: Alignment
    aims: tuple[Answered, ...]
    steps: tuple[Answered, ...]

    @property
    def stands_at(self) -> str | None:
        """Return the first step of the improvement process that isn't done."""
        return stands_at(self.steps)


@dataclass(frozen=True, slots=True)
class HealthDesk:
    """Makes health cards."""

    store: EvaluationStore
    reader: MeasureReader
    needs: NeedsDesk
    findings: Findings

    async def of(self, body: str, service: str) -> HealthCard:
        """Return the card of a service. Raises ``UnknownServiceError``."""
        needed = await self.needs.of(body, service)
        yardstick = needed.yardstick
        closed = await self._closed(yardstick)
        newest = closed[-1] if closed else None
        followed = await self.findings.of(body, service, "open", None)
        signs = Signs(
            used=yardstick.definitions,
            newest=newest,
            met_before=[judged(one.targets) for one in closed[:-1]],
            alignment=align(yardstick.goals, yardstick.definitions, newest.targets if newest else ()),
            flavours=flavours(yardstick.definitions, newest),
            arrivals=[one.state for one in needed.kpis],
            overdue=await self._overdue(yardstick, newest),
            findings=len(followed),
        )
        return HealthCard(newest, tuple(signs.flavours), signs.alignment, aims(signs), steps(signs))

    async def _closed(self, yardstick: Yardstick) -> Sequence[EvaluationRecorded]:
        """Return the newest closed evaluations of the service's cycle, earliest period first."""
        found = await self.store.latest(yardstick.service, yardstick.cycle.value, limit=PERIODS)
        return [records.read(one.record) for one in reversed(found)]

    async def _overdue(self, yardstick: Yardstick, newest: EvaluationRecorded | None) -> bool:
        """Whether the period after the newest evaluation has ended and all of it is counted."""
        complete = await self.reader.complete_until()
        if newest is None or complete is None:
            return False
        day = calendar(yardstick.zone).date_of(ms_of(newest.period.end))
        following = period_of(yardstick.cycle, day, yardstick.zone)
        return due_ms(yardstick.cycle, following) <= ms_of(complete)
