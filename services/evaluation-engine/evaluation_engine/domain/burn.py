"""How fast a target uses up its error budget: multi-window, multi-burn-rate alerts on quarter hours.

The budget is the share that may be bad: 0.5 % for a target of at least 99.5 %. The burn rate over a window is the bad
share in it over the budget: at 1 a budget for 30 days lasts 30 days, at 14.4 two. An alert fires when its long and its
short window are both over its factor, so that it is neither nervous nor slow to end (Beyer and others, The Site
Reliability Workbook, 2018, chapter 5).

Numbers are kept by quarter hour, so the short window of the hour is 15 minutes and not 5: it ends 10 minutes later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.buckets import QUARTER_MS
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.evidence import Evidence, Sources
from evaluation_engine.domain.intervals import LEVEL
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.result import display
from evaluation_engine.domain.rule import Memory, Rule, Status, advance, without_result
from evaluation_engine.domain.target import Target

Severity = Literal["page", "ticket"]
_HOUR_MS = 3_600_000

SOON = frozenset({"error-rate"})
"""KPIs of journeys by their start whose numerator comes in while the journey is under way."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One pair of windows with its factor."""

    id: str
    severity: Severity
    factor: float
    long_ms: int
    short_ms: int

    @property
    def in_words(self) -> str:
        """Return the long window for people."""
        hours = self.long_ms // _HOUR_MS
        return f"{hours // 24} days" if hours >= 48 else ("hour" if hours == 1 else f"{hours} hours")


ALERTS = (
    Alert("hour", "page", 14.4, _HOUR_MS, QUARTER_MS),
    Alert("six-hours", "page", 6.0, 6 * _HOUR_MS, 2 * QUARTER_MS),
    Alert("three-days", "ticket", 1.0, 72 * _HOUR_MS, 6 * _HOUR_MS),
)
LONGEST_MS = max(alert.long_ms for alert in ALERTS)


@dataclass(frozen=True, slots=True)
class Watch:
    """A target that is watched by the burn of its budget; ``min_sample`` is of the long window."""

    target: Target
    definition: Definition
    min_sample: int = 1
    alerts: tuple[Alert, ...] = ALERTS

    @property
    def budget(self) -> float:
        """Return the share that may be bad."""
        high = self.definition.scale[1] or 1.0
        allowed = self.target.threshold / high
        return 1 - allowed if self.target.comparison == "at_least" else allowed

    def subject(self, alert: Alert) -> str:
        """Return what a problem of an alert is about."""
        return f"{self.target.id}.{alert.id}"


@dataclass(frozen=True, slots=True)
class Burn:
    """Burn rates of one alert at one tick, None where the window has no data, and the state after it."""

    watch: Watch
    alert: Alert
    tick_ms: int
    long: float | None
    short: float | None
    n: int
    before: Memory
    after: Memory

    @property
    def opens(self) -> bool:
        """Whether it began to fire at this tick."""
        return self.after.status.firing and not self.before.status.firing

    @property
    def closes(self) -> bool:
        """Whether it ended at this tick."""
        return self.before.status.firing and not self.after.status.firing

    @property
    def sentence(self) -> str:
        """Return what is the case, for people."""
        title = self.watch.definition.title.get("en", self.watch.definition.id)
        wanted = f"{self.watch.target.comparison.replace('_', ' ')} {self.watch.target.threshold:g}"
        if self.long is None or self.short is None:
            return f"{title} ({wanted}): nothing arrived in the last {self.alert.in_words}."
        return (
            f"{title} ({wanted} {self.watch.definition.unit}) uses its error budget {display(self.long)} times as"
            f" fast as allowed over the last {self.alert.in_words}, {display(self.short)} times over its last part;"
            f" the alert is at {self.alert.factor:g} times."
        )


def faults(target: Target, definition: Definition, alerts: tuple[Alert, ...] = ALERTS) -> Iterator[str]:
    """Yield every reason why a target can't be watched by the burn of its budget."""
    high = definition.scale[1]
    if definition.scale[0] != 0 or high is None:
        yield "a burn rate needs a KPI that is a share"
        return
    if (definition.direction == "up") != (target.comparison == "at_least"):
        yield "a burn rate needs a target on the good side of its KPI"
        return
    if definition.start_days_needed or (definition.anchor == "start" and definition.id not in SOON):
        yield "journeys that have just begun have no outcome yet, so this KPI can't be watched by the hour"
    if target.cut and (not target.cut.startswith("channel=") or "|" in target.cut):
        yield "quarter hours are kept in total and by channel only"
    budget = Watch(target, definition).budget
    if budget <= 0:
        yield "there is no error budget: nothing may be bad"
        return
    for alert in alerts:
        if alert.factor * budget >= 1:
            yield (
                f"the alert over the {alert.in_words} can never fire: {alert.factor:g} times a budget of"
                f" {100 * budget:g} % is more than everything"
            )


def rate(watch: Watch, quarters: Mapping[int, Measures], window: tuple[int, int]) -> tuple[float | None, int]:
    """Return burn rate and sample over ``[start, end)``; None where there is nothing."""
    start_ms, end_ms = window
    parts = [quarters[at] for at in range(start_ms, end_ms, QUARTER_MS) if at in quarters]
    evidence = Evidence(start_ms, end_ms, "UTC", end_ms, merge(parts), Sources({}), buckets=tuple(parts))
    found = estimate(watch.definition.measure, evidence, LEVEL)
    if found.value is None:
        return None, 0
    share = found.value / (watch.definition.scale[1] or 1.0)
    bad = 1 - share if watch.target.comparison == "at_least" else share
    return max(0.0, bad) / watch.budget, found.n


def burn(watch: Watch, alert: Alert, quarters: Mapping[int, Measures], tick_ms: int, before: Memory) -> Burn:
    """Evaluate one alert at the end of a quarter hour. Both windows have to be over the factor, strictly."""
    long, n = rate(watch, quarters, (tick_ms - alert.long_ms, tick_ms))
    short, _ = rate(watch, quarters, (tick_ms - alert.short_ms, tick_ms))
    rule = Rule(
        id=watch.subject(alert),
        kpi=watch.definition.id,
        side="above",
        breach=alert.factor,
        clear=alert.factor,
        no_data="keep_last",
    )
    if long is None or short is None:
        after = without_result(rule, before)
    elif n < watch.min_sample:
        after = Memory(Status.FIRING_STALE, before.breaches) if before.status.firing else Memory(Status.INSUFFICIENT)
    else:
        after = advance(rule, before, min(long, short))
    return Burn(watch, alert, tick_ms, long, short, n, before, after)
