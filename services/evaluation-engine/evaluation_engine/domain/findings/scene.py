"""All that findings look at: the period with its cuts, the service's own past week by week, results and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from civiloop_shared.contracts.evaluations import KpiResult, TargetResult
from evaluation_engine.domain.accumulator import LazySum, Measures
from evaluation_engine.domain.buckets import DAY_MS, Period, calendar
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.findings.significance import Count
from evaluation_engine.domain.kpi import Definition, Need
from evaluation_engine.domain.sketch import Sketch

PAST_WEEKS = 26
"""How many weeks before a period are its own past."""

TREND_WEEKS = 52
"""How many weeks up to its end are looked through for change points."""

FEWEST = 30
"""A group, a step, a period below this is not compared."""

RATINGS = tuple(f"rating.{k}" for k in range(1, 6))


@dataclass(frozen=True)
class Week:
    """Seven local days, as far as there are any."""

    start: date
    days: Sequence[Measures]

    @cached_property
    def measures(self) -> Mapping[str, int]:
        """Their sum, of which few names are asked."""
        return LazySum(self.days)

    @cached_property
    def durations(self) -> Sketch:
        """How long the journeys took that were fulfilled in it."""
        return Sketch.of_all(self.days, "e.dur")


@dataclass(frozen=True)
class Scene:
    """One service over one period.

    `days` are the measures of the total by local day: of the period, of `PAST_WEEKS` before it and of `TREND_WEEKS`
    up to its end, as far as there are any. `cuts` are single cuts over the period, `past_cuts` those of the channels
    over the past weeks, `pairs` those of a channel and one group of people over the period. `before` are the totals of
    earlier periods as long as this one, `themes` titles of themes. `offered` are the families of all KPIs that there
    are.
    """

    period: Period
    as_of_ms: int
    now: Measures
    cuts: Mapping[str, Measures]
    past_cuts: Mapping[str, Measures]
    pairs: Mapping[str, Mapping[str, int]]
    days: Mapping[date, Measures]
    dimensions: Mapping[str, tuple[str, ...]]
    steps: tuple[str, ...]
    silence_limit_ms: int
    definitions: tuple[Definition, ...]
    offered: frozenset[str]
    results: tuple[KpiResult, ...]
    targets: tuple[TargetResult, ...]
    sources: Sources
    needs: tuple[Need, ...]
    before: tuple[Measures, ...] = ()
    themes: Mapping[str, str] = field(default_factory=dict)

    def theme(self, name: str) -> str:
        """Title of a theme of comments."""
        return self.themes.get(name, name)

    @cached_property
    def past(self) -> tuple[Week, ...]:
        """Whole weeks before the period, oldest first, from the first one with anything in it."""
        return self._weeks(self.period.start, PAST_WEEKS)

    @cached_property
    def trend(self) -> tuple[Week, ...]:
        """Whole weeks up to the end of what is known of the period, oldest first, from the first with anything."""
        return self._weeks(min(self.period.end, self.known_until), TREND_WEEKS)

    @cached_property
    def known_until(self) -> date:
        """First local day that has not been seen to its end."""
        return calendar(self.period.zone).date_of(min(self.period.end_ms, self.as_of_ms))

    @cached_property
    def settled_until(self) -> date:
        """Journeys that began before this day have ended, or have gone on within the service's own limit."""
        return calendar(self.period.zone).date_of(min(self.period.end_ms, self.as_of_ms) - self.silence_limit_ms)

    @property
    def seen_share(self) -> float:
        """How much of the period lies in the past."""
        whole = self.period.end_ms - self.period.start_ms
        return max(0.0, min(1.0, (self.as_of_ms - self.period.start_ms) / whole))

    @property
    def length_weeks(self) -> float:
        """Weeks of the period that lie in the past."""
        return self.seen_share * (self.period.end_ms - self.period.start_ms) / (7 * DAY_MS)

    def in_past(self, numerator: str, denominator: str) -> list[Count]:
        """One count for each past week."""
        return [Count(one.measures.get(numerator, 0), one.measures.get(denominator, 0)) for one in self.past]

    @property
    def of_people(self) -> tuple[str, ...]:
        """Dimensions that are about who people are."""
        return tuple(filter(about_people, self.dimensions))

    def values(self, dimension: str) -> Iterator[tuple[str, Measures]]:
        """Each value of a dimension with its cut, where the period has anything."""
        for cut in self.dimensions.get(dimension, ()):
            measures = self.cuts.get(cut)
            if measures:
                yield cut, measures

    def _weeks(self, end: date, most: int) -> tuple[Week, ...]:
        found: list[Week] = []
        for back in range(most, 0, -1):
            start = end - timedelta(days=7 * back)
            parts = [self.days[day] for n in range(7) if (day := start + timedelta(days=n)) in self.days]
            if found or parts:
                found.append(Week(start, parts))
        return tuple(found)


def about_people(dimension: str) -> bool:
    """Whether a dimension is about who people are, not about where they are."""
    return dimension.startswith("segment.") or dimension in ("language", "assisted")


def satisfied(measures: Mapping[str, int]) -> Count:
    """Those who rate 4 or 5 of those who rate."""
    return Count(
        measures.get("rating.4", 0) + measures.get("rating.5", 0), sum(measures.get(name, 0) for name in RATINGS)
    )
