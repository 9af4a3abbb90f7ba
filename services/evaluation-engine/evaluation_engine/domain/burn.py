"""How fast a target uses up its error budget: multi-window, multi-burn-rate alerts.

The burn rate over a window is the bad share in it over the budget: at 1 a budget for 30 days lasts 30 days, at 14.4
two. An alert fires when its long and its short window are both over its factor, so that it is neither nervous nor slow
to end (Beyer and others, The Site Reliability Workbook, 2018, chapter 5, with its windows and factors).

Pages are evaluated at the end of every minute, tickets at the end of every quarter hour. A window is made of the
quarter hours that lie wholly in it, and of minutes at its edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.buckets import MINUTE_MS, QUARTER_MS, window
from evaluation_engine.domain.budget import Budget, hindrances
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.result import display
from evaluation_engine.domain.rule import Memory, Rule, Status, advance, without_result
from evaluation_engine.domain.target import Target

Severity = Literal["page", "ticket"]
_HOUR_MS = 3_600_000

CLEAR_AT = 0.9
"""An alert rests at this part of its factor: a rate that wavers about the factor opens and closes nothing."""

FEWEST_BAD = 3
"""So many in the long window must be bad before an alert can begin to fire: where little comes in, one that went wrong
uses up the budget of hours, and so does its only repetition. Of time they are seconds."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One pair of windows with its factor; it is evaluated ``every_ms`` and ends after ``hold`` more clear ticks."""

    id: str
    severity: Severity
    factor: float
    long_ms: int
    short_ms: int
    every_ms: int = MINUTE_MS
    hold: int = 0

    @property
    def in_words(self) -> str:
        """Return the long window for people."""
        hours = self.long_ms // _HOUR_MS
        return f"{hours // 24} days" if hours >= 48 else ("hour" if hours == 1 else f"{hours} hours")

    def can_fire(self, share: float) -> bool:
        """Whether there is a bad share that is over the factor."""
        return self.factor * share < 1


ALERTS = (
    Alert("hour", "page", 14.4, _HOUR_MS, 5 * MINUTE_MS, hold=2),
    Alert("six-hours", "page", 6.0, 6 * _HOUR_MS, 30 * MINUTE_MS, hold=2),
    Alert("day", "ticket", 3.0, 24 * _HOUR_MS, 2 * _HOUR_MS, QUARTER_MS),
    Alert("three-days", "ticket", 1.0, 72 * _HOUR_MS, 6 * _HOUR_MS, QUARTER_MS),
)


@dataclass(frozen=True)
class Watch:
    """A target that is watched by the burn of its budget; ``min_sample`` is of the long window."""

    target: Target
    definition: Definition
    min_sample: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def budget(self) -> Budget:
        """Return what may be bad."""
        return Budget(self.target, self.definition, self.settings)

    @cached_property
    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that can fire."""
        return tuple(alert for alert in ALERTS if alert.can_fire(self.budget.share))

    def subject(self, alert: Alert) -> str:
        """Return what a problem of an alert is about."""
        return f"{self.target.id}.{alert.id}"


@dataclass(frozen=True, slots=True)
class Buckets:
    """Minutes and quarter hours of one cut, by their start."""

    minutes: Mapping[int, Measures]
    quarters: Mapping[int, Measures]

    def over(self, start_ms: int, end_ms: int) -> Measures:
        """Return the sum over ``[start, end)``, whole minutes."""
        parts: list[Measures] = []
        for grain, from_ms, to_ms in window(start_ms, end_ms):
            known, step_ms = (self.minutes, MINUTE_MS) if grain == "minute" else (self.quarters, QUARTER_MS)
            parts.extend(known[at] for at in range(from_ms, to_ms, step_ms) if at in known)
        return merge(parts)


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
        wanted = self.watch.budget.wanted
        if self.long is None or self.short is None:
            return f"{title} ({wanted}): nothing arrived in the last {self.alert.in_words}, or in its last part."
        return (
            f"{title} ({wanted}) uses its error budget {display(self.long)} times as fast as allowed over the last"
            f" {self.alert.in_words}, {display(self.short)} times over its last part;"
            f" the alert is at {self.alert.factor:g} times."
        )


def left_out(target: Target, definition: Definition) -> Iterator[str]:
    """Yield a sentence for each alert that can never fire and therefore isn't evaluated."""
    share = Budget(target, definition).share
    for alert in ALERTS:
        if not alert.can_fire(share):
            yield (
                f"the alert over the {alert.in_words} is left out, because it can never fire: {alert.factor:g} times a"
                f" budget of {100 * share:g} % is everything or more"
            )


def faults(target: Target, definition: Definition) -> list[str]:
    """Return every reason why a target can't be watched by the burn of its budget."""
    found = list(hindrances(target, definition))
    if not found and not Watch(target, definition).alerts:
        found.append("no alert can ever fire: the budget is everything")
    return found


class Pace(NamedTuple):
    """Burn rate over a window, None where there is nothing, with the sample and how many of it are bad."""

    rate: float | None
    n: int
    bad: float


def pace(watch: Watch, buckets: Buckets, start_ms: int, end_ms: int) -> Pace:
    """Return how fast the budget is used up over ``[start, end)``."""
    spent = watch.budget.spent(buckets.over(start_ms, end_ms))
    return Pace(None if spent.bad is None else spent.bad / watch.budget.share, spent.n, spent.events)


def burn(watch: Watch, alert: Alert, buckets: Buckets, tick_ms: int, before: Memory) -> Burn:
    """Evaluate one alert at a tick. Both windows have to be over the factor, strictly."""
    long = pace(watch, buckets, tick_ms - alert.long_ms, tick_ms)
    short = pace(watch, buckets, tick_ms - alert.short_ms, tick_ms)
    after = _after(watch, alert, long, short.rate, before)
    return Burn(watch, alert, tick_ms, long.rate, short.rate, long.n, before, after)


def _after(watch: Watch, alert: Alert, long: Pace, short: float | None, before: Memory) -> Memory:
    rule = Rule(
        id=watch.subject(alert),
        kpi=watch.definition.id,
        side="above",
        breach=alert.factor,
        clear=CLEAR_AT * alert.factor,
        keep_firing_for=alert.hold,
        no_data="keep_last",
    )
    if long.rate is None or short is None:
        return without_result(rule, before)
    if long.n < watch.min_sample:
        return replace(before, status=Status.FIRING_STALE if before.status.firing else Status.INSUFFICIENT)
    after = advance(rule, before, min(long.rate, short))
    begins = after.status.firing and not before.status.firing
    return Memory(Status.INSUFFICIENT) if begins and long.bad < FEWEST_BAD else after
