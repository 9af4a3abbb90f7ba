"""Services made up person by person, with what is wrong with them known beforehand, as scenes that findings look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.findings.scene import PAST_WEEKS, TREND_WEEKS, Scene, about_people
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.sketch import bin_of

PERIOD = Period(date(2026, 9, 1), date(2026, 10, 1), "UTC")
FIRST = PERIOD.end - timedelta(weeks=TREND_WEEKS)
STEPS = ("identify", "details", "payment", "submit")
VALUES = {
    "channel": (("web", 0.7), ("counter", 0.3)),
    "language": (("el", 0.75), ("en", 0.25)),
    "assisted": (("no", 0.85), ("yes", 0.15)),
    "segment.age": (("18-34", 0.35), ("35-64", 0.45), ("65+", 0.2)),
}
KPIS = ("csat", "task-success", "completion-rate", "first-time-success", "digital-take-up", "abandonment-by-step")
_DAY_MS = 86_400_000
Chance = Callable[["People"], Any]


@dataclass
class People:
    """One row a person; `day` counts from `FIRST`."""

    day: Any
    of: Mapping[str, Any]
    dice: np.random.Generator

    def are(self, dimension: str, value: str) -> Any:
        return self.of[dimension] == value

    @property
    def in_period(self) -> Any:
        return self.day >= (PERIOD.start - FIRST).days


@dataclass(frozen=True)
class Service:
    """Chances may be numbers, or functions of the people."""

    seed: int
    a_day: Any = 30.0
    leaves: Mapping[str, Any] = field(default_factory=dict)
    errs: Mapping[str, Any] = field(default_factory=dict)
    satisfied: Any = 0.8
    answers: Any = 0.4
    days: Any = 5.0
    again: Any = 0.2

    def scene(self, **over: Any) -> Scene:
        return _Maker(self).scene(**over)


class _Maker:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.dice = np.random.Generator(np.random.PCG64(service.seed))
        span = (PERIOD.end - FIRST).days
        a_day = service.a_day(np.arange(span)) if callable(service.a_day) else np.full(span, service.a_day)
        day = np.repeat(np.arange(span), self.dice.poisson(a_day))
        of = {
            name: self.dice.choice([value for value, _ in values], size=day.size, p=[share for _, share in values])
            for name, values in VALUES.items()
        }
        self.people = People(day, of, self.dice)
        self.marks = self._live()

    def _happens(self, chance: Any) -> Any:
        p = chance(self.people) if callable(chance) else chance
        return self.dice.random(self.people.day.size) < p

    def _live(self) -> dict[str, Any]:
        """Where each measure counts, as one column of 0, 1 or more for each person."""
        marks: dict[str, Any] = {}
        inside = np.ones(self.people.day.size, bool)
        marks["j.started"] = inside
        for step in STEPS:
            marks[f"step.{step}.reached"] = inside
            marks[f"step.{step}.errors"] = inside & self._happens(self.service.errs.get(step, 0.05))
            leaves = inside & self._happens(self.service.leaves.get(step, 0.03))
            marks[f"step.{step}.abandoned"] = leaves
            inside = inside & ~leaves
        marks["j.abandoned"] = ~inside
        marks["j.completed"] = marks["j.fulfilled"] = marks["e.completed"] = marks["e.fulfilled"] = inside
        marks["j.outcome"] = np.ones(inside.size, bool)
        marks["j.first_time"] = inside & ~self._happens(self.service.again)
        marks["e.digital"] = inside & self.people.are("channel", "web")
        answers = inside & self._happens(self.service.answers)
        content = answers & self._happens(self.service.satisfied)
        marks["answers"], marks["rating.5"], marks["rating.2"] = answers, content, answers & ~content
        marks["task.yes"], marks["task.no"] = content, answers & ~content
        return marks

    def _measures(self, rows: Any) -> Measures:
        found = {name: int(mark[rows].sum()) for name, mark in self.marks.items()}
        return {name: n for name, n in found.items() if n}

    def _days(self) -> dict[date, Measures]:
        days = self.service.days(self.people) if callable(self.service.days) else self.service.days
        took = np.broadcast_to(days, self.people.day.shape) * self.dice.lognormal(0, 0.6, self.people.day.size)
        span = (PERIOD.end - FIRST).days
        by_day: list[Measures] = [{} for _ in range(span)]
        for name, mark in self.marks.items():
            for number, n in enumerate(np.bincount(self.people.day[mark], minlength=span)):
                if n:
                    by_day[number][name] = int(n)
        done = self.marks["e.fulfilled"]
        for number, one in zip(self.people.day[done], took[done], strict=True):
            name = f"e.dur.{bin_of(round(one * _DAY_MS))}"
            by_day[number][name] = by_day[number].get(name, 0) + 1
        return {FIRST + timedelta(days=number): measures for number, measures in enumerate(by_day) if measures}

    def scene(self, **over: Any) -> Scene:
        definitions = tuple(BY_ID[name] for name in KPIS)
        needs = tuple(dict.fromkeys(need for one in definitions for need in one.needs))
        dimensions = {name: tuple(f"{name}={value}" for value, _ in values) for name, values in VALUES.items()}
        now = self.people.in_period
        past = ~now & (self.people.day >= (PERIOD.start - FIRST).days - 7 * PAST_WEEKS)
        cuts = {
            f"{name}={value}": self._measures(now & self.people.are(name, value))
            for name, values in VALUES.items()
            for value, _ in values
        }
        past_cuts = {cut: self._measures(past & self.people.are(*cut.split("="))) for cut in dimensions["channel"]}
        pairs = {
            f"channel={channel}|{name}={value}": self._measures(
                now & self.people.are("channel", channel) & self.people.are(name, value)
            )
            for channel, _ in VALUES["channel"]
            for name in filter(about_people, VALUES)
            for value, _ in VALUES[name]
        }
        fields: dict[str, Any] = {
            "period": PERIOD,
            "as_of_ms": PERIOD.end_ms,
            "now": self._measures(now),
            "cuts": cuts,
            "past_cuts": past_cuts,
            "pairs": pairs,
            "days": self._days(),
            "dimensions": dimensions,
            "steps": STEPS,
            "silence_limit_ms": 14 * _DAY_MS,
            "definitions": definitions,
            "offered": frozenset({"customer_satisfaction", "business_performance"}),
            "results": (),
            "targets": (),
            "sources": Sources({need.name: PERIOD.end_ms for need in needs}, 45 * _DAY_MS),
            "needs": needs,
        }
        return Scene(**(fields | over))
