"""Burn rates at every closed minute or quarter hour: problems open and close by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import MINUTE_MS, window
from evaluation_engine.domain.budget import beginnings_of
from evaluation_engine.domain.burn import Alert, Buckets, Burn, Watch, burn
from evaluation_engine.domain.instants import instant, ms_of
from evaluation_engine.domain.rule import Memory
from evaluation_engine.ports.measures import MeasureReader, Row, Span
from evaluation_engine.ports.problems import Problem, ProblemStore, Remembered, Step
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.readings import Readings, joined
from evaluation_engine.service.evaluate.yardstick import Yardstick

KIND = "burn_rate"
SETTLE_MS = 30_000
"""How long events of a minute may take to arrive: it is judged once everything up to so long after it is counted."""
MOST_TICKS = 360
"""How many ticks of an alert are caught up with after an outage of the evaluator; earlier ones are left out."""


class _Due(NamedTuple):
    """Ticks of an alert that weren't evaluated yet, oldest first, and the state before them."""

    watch: Watch
    alert: Alert
    ticks: range
    memory: Memory


@dataclass(slots=True)
class Burning:
    """Looks at one service at a time. A tick is final: what comes in later about it opens and closes nothing."""

    reader: MeasureReader
    store: ProblemStore
    _looked: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def look(self, yardstick: Yardstick) -> int:
        """Evaluate what has closed since the last look; return how many ticks, of all alerts together."""
        before = self._looked.get(yardstick.service, (0, 0))
        known = before[1] == yardstick.catalogue_version
        if known and not yardstick.watches:
            return 0
        complete = await self.reader.complete_until()
        if complete is None:
            return 0
        upto = ms_of(complete) - SETTLE_MS
        now = (upto // MINUTE_MS, yardstick.catalogue_version)
        if now == before:
            return 0
        if not known:
            subjects = {watch.subject(alert) for watch in yardstick.watches for alert in watch.alerts}
            await self.store.drop(yardstick.service, yardstick.body, KIND, subjects, instant(upto))
        due = _due(yardstick.watches, upto, await self.store.remembered(yardstick.service))
        if due:
            spans = _spans(due)
            rows = await self.reader.read(yardstick.service, spans)
            steps = await asyncio.to_thread(lambda: _steps(due, _buckets(due, spans, rows)))
            await self.store.record(yardstick.service, yardstick.body, KIND, steps)
        self._looked[yardstick.service] = now
        return sum(len(one.ticks) for one in due)


def _due(watches: Iterable[Watch], upto_ms: int, remembered: Mapping[str, Remembered]) -> list[_Due]:
    """Return what is to be evaluated: all ticks since the last look, at first the newest alone."""
    found = []
    for watch in watches:
        for alert in watch.alerts:
            last = upto_ms // alert.every_ms * alert.every_ms
            old = remembered.get(watch.subject(alert))
            after = last - alert.every_ms if old is None else ms_of(old.tick) // alert.every_ms * alert.every_ms
            first = max(after, last - MOST_TICKS * alert.every_ms) + alert.every_ms
            ticks = range(first, last + 1, alert.every_ms)
            if ticks:
                found.append(_Due(watch, alert, ticks, _memory(old)))
    return found


def _spans(due: Iterable[_Due]) -> list[Span]:
    """Return what all windows need, each bucket once."""
    return joined(
        Span(grain, from_ms, to_ms, frozenset((one.watch.target.cut,)))
        for one in due
        for tick in one.ticks
        for length_ms in (one.alert.long_ms, one.alert.short_ms)
        for grain, from_ms, to_ms in window(tick - length_ms, tick)
    )


def _buckets(due: Iterable[_Due], spans: Sequence[Span], rows: Sequence[Sequence[Row]]) -> Mapping[str, Buckets]:
    """Return buckets by cut, added up, with nothing but what the budgets need."""
    wanted: dict[str, tuple[str, ...]] = {}
    for one in due:
        cut = one.watch.target.cut
        wanted[cut] = wanted.get(cut, ()) + beginnings_of(one.watch.definition.measure)
    readings = Readings.of(spans, rows)
    return {
        cut: Buckets(_picked(readings.of_cut("minute", cut), names), _picked(readings.of_cut("quarter", cut), names))
        for cut, names in wanted.items()
    }


def _picked(buckets: Mapping[int, Measures], names: tuple[str, ...]) -> Mapping[int, Measures]:
    return {
        start_ms: {name: n for name, n in measures.items() if name.startswith(names)}
        for start_ms, measures in buckets.items()
    }


def _steps(due: Iterable[_Due], buckets: Mapping[str, Buckets]) -> list[Step]:
    steps = []
    for one in due:
        memory = one.memory
        for tick in one.ticks:
            found = burn(one.watch, one.alert, buckets[one.watch.target.cut], tick, memory)
            memory = found.after
            steps.append(_step(found))
    return _worth_storing(steps)


def _worth_storing(steps: list[Step]) -> list[Step]:
    """Keep what opens or closes something, and the last step of each alert."""
    last = {step.subject: step for step in steps}
    return [step for step in steps if step.opens or step.closes or step is last[step.subject]]


def _step(found: Burn) -> Step:
    watch, alert = found.watch, found.alert
    details = {
        "target": watch.target.id,
        "kpi": watch.definition.id,
        "cut": watch.target.cut,
        "alert": alert.id,
        "factor": alert.factor,
        "budget": watch.budget.share,
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
