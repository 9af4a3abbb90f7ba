"""Burn rates at every closed quarter hour: problems open and close by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import QUARTER_MS
from evaluation_engine.domain.burn import LONGEST_MS, Alert, Burn, Watch, burn
from evaluation_engine.domain.rule import Memory
from evaluation_engine.ports.measures import MeasureReader, Span
from evaluation_engine.ports.problems import Problem, ProblemStore, Remembered, Step
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.evaluate.record import instant
from evaluation_engine.service.evaluate.yardstick import Yardstick

KIND = "burn_rate"
MOST_TICKS = 96
"""How many quarter hours are caught up with after an outage of the evaluator; earlier ones are left out."""


@dataclass(slots=True)
class Burning:
    """Looks at one service at a time. A tick is final: what comes in later about it opens and closes nothing."""

    reader: MeasureReader
    store: ProblemStore
    _looked: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def look(self, yardstick: Yardstick) -> int:
        """Evaluate the quarter hours that have closed since the last look; return how many."""
        if not yardstick.watches and self._looked.get(yardstick.service, (0, 0))[1] == yardstick.catalogue_version:
            return 0
        complete = await self.reader.complete_until()
        if complete is None:
            return 0
        last = _ms(complete) // QUARTER_MS * QUARTER_MS
        if self._looked.get(yardstick.service) == (last, yardstick.catalogue_version):
            return 0
        subjects = {watch.subject(alert) for watch in yardstick.watches for alert in watch.alerts}
        remembered = await self.store.remembered(yardstick.service)
        await self.store.drop(yardstick.service, yardstick.body, KIND, subjects, instant(last))
        ticks = _ticks(last, remembered, subjects)
        if ticks:
            quarters = await self._quarters(yardstick, ticks)
            steps = _steps(yardstick, ticks, quarters, remembered)
            await self.store.record(yardstick.service, yardstick.body, KIND, steps)
        self._looked[yardstick.service] = (last, yardstick.catalogue_version)
        return len(ticks)

    async def _quarters(self, yardstick: Yardstick, ticks: Sequence[int]) -> Mapping[str, Mapping[int, Measures]]:
        cuts = frozenset(watch.target.cut for watch in yardstick.watches)
        spans = [Span("quarter", ticks[0] - LONGEST_MS, ticks[-1], cuts)]
        readings = Readings.of(spans, await self.reader.read(yardstick.service, spans))
        return {cut: readings.of_cut("quarter", cut) for cut in cuts}


def _ticks(last: int, remembered: Mapping[str, Remembered], subjects: Collection[str]) -> list[int]:
    """Return the ends of the quarter hours to be evaluated: all since the last look, at first the newest alone."""
    if not subjects:
        return []
    before = [_ms(remembered[subject].tick) for subject in subjects if subject in remembered]
    first = max(min(before, default=last - QUARTER_MS) + QUARTER_MS, last - (MOST_TICKS - 1) * QUARTER_MS)
    return list(range(first, last + 1, QUARTER_MS))


def _steps(
    yardstick: Yardstick,
    ticks: Sequence[int],
    quarters: Mapping[str, Mapping[int, Measures]],
    remembered: Mapping[str, Remembered],
) -> list[Step]:
    steps = []
    for watch in yardstick.watches:
        for alert in watch.alerts:
            old = remembered.get(watch.subject(alert))
            memory = _memory(old)
            for tick in ticks:
                if old is not None and tick <= _ms(old.tick):
                    continue
                found = burn(watch, alert, quarters[watch.target.cut], tick, memory)
                memory = found.after
                steps.append(_step(watch, alert, found))
    return _worth_storing(steps)


def _worth_storing(steps: list[Step]) -> list[Step]:
    """Keep what opens or closes something, and the last step of each alert."""
    last = {step.subject: step for step in steps}
    return [step for step in steps if step.opens or step.closes or step is last[step.subject]]


def _step(watch: Watch, alert: Alert, found: Burn) -> Step:
    details = {
        "target": watch.target.id,
        "kpi": watch.definition.id,
        "cut": watch.target.cut,
        "alert": alert.id,
        "factor": alert.factor,
        "budget": watch.budget,
        "long_minutes": alert.long_ms // 60_000,
        "short_minutes": alert.short_ms // 60_000,
        "burn_long": found.long,
        "burn_short": found.short,
        "n": found.n,
        "state": found.after.status.value,
        "at": instant(found.tick_ms),
        "explanation": found.sentence,
    }
    memory = {**found.after.to_json(), "severity": alert.severity, **details}
    return Step(
        subject=watch.subject(alert),
        severity=alert.severity,
        tick=instant(found.tick_ms),
        memory=memory,
        details=details,
        opens=found.opens,
        closes=found.closes,
    )


def _memory(old: Remembered | None) -> Memory:
    if old is None:
        return Memory()
    return Memory.from_json({name: old.memory[name] for name in ("status", "breaches", "clears")})


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class ProblemDesk:
    """Where problems are asked for."""

    yardsticks: Yardsticks
    store: ProblemStore

    async def of(
        self, body: str, service: str, *, open_only: bool, before: int | None, limit: int
    ) -> tuple[list[Problem], Mapping[str, Remembered]]:
        """Return problems, newest first, and what is watched. Raises ``UnknownServiceError``."""
        await self.yardsticks.of(body, service)
        found = await self.store.of(service, open_only=open_only, before=before, limit=limit)
        return found, await self.store.remembered(service)
