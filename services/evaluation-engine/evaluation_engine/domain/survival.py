"""Time to fulfilment with journeys still open, from counts: nobody is dropped for not being finished.

Input is one cohort per start day: how many started, and how many ended by cause and duration bin.
Whoever has not ended is censored at as-of, in the middle of what their start day allows. Ends by
another cause than fulfilment compete with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, inf, log, sqrt
from typing import NamedTuple

from evaluation_engine.domain.intervals import LEVEL, Bounds, Closed, normal_quantile
from evaluation_engine.domain.journey import FULFILLED
from evaluation_engine.domain.sketch import LONGEST_MS, bin_of, bounds_of, middle_of

_PREFIX = "surv."

Ends = Mapping[tuple[str, int], int]
"""How many ended, by cause and bin of duration."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Journeys that started in `[start_ms, end_ms)`, by the measures of that start day."""

    start_ms: int
    end_ms: int
    measures: Mapping[str, int]

    @staticmethod
    def of(start_ms: int, end_ms: int, measures: Mapping[str, int]) -> Cohort:
        """A cohort of one start day."""
        return Cohort(start_ms, end_ms, measures)

    @property
    def started(self) -> int:
        """How many started."""
        return self.measures.get("surv.start", 0)

    @property
    def ended(self) -> int:
        """How many have ended, whenever and however."""
        return self.measures.get("j.outcome", 0)

    @property
    def ends(self) -> Ends:
        """Ends by cause and bin."""
        return ends_in(self.measures)


def ends_in(measures: Mapping[str, int], *, longest_ms: int = LONGEST_MS) -> Ends:
    """Ends by cause and bin of duration, from measures named `surv.<cause>.<bin>`, up to a duration."""
    last = bin_of(longest_ms)
    found: dict[tuple[str, int], int] = {}
    for name, n in measures.items():
        end = _end_named(name)
        if end is not None and end[1] <= last:
            found[end] = n
    return found


@lru_cache(maxsize=65_536)
def _end_named(name: str) -> tuple[str, int] | None:
    if not name.startswith(_PREFIX) or name == "surv.start":
        return None
    cause, bin_ = name[len(_PREFIX) :].rsplit(".", 1)
    return cause, int(bin_)


class Row(NamedTuple):
    """One time of the table: at risk just before, ended by fulfilment, ended by anything."""

    time_ms: float
    bin: int
    at_risk: int
    fulfilled: int
    ended: int


class Step(NamedTuple):
    """A curve after one of its steps, with Greenwood's sum or the variance that belongs to it."""

    row: Row
    value: float
    spread: float


@dataclass(frozen=True)
class LifeTable:
    """Counts at every time at which something ended, earliest first."""

    rows: tuple[Row, ...]
    started: int
    causes: Mapping[str, int]
    followed_ms: float

    @property
    def fulfilled(self) -> int:
        """Journeys seen to be fulfilled."""
        return self.causes.get(FULFILLED, 0)

    @property
    def open(self) -> int:
        """Journeys that have not ended as of then."""
        return self.started - sum(self.causes.values())

    @property
    def competing(self) -> int:
        """Journeys that ended in another way."""
        return self.started - self.open - self.fulfilled

    @cached_property
    def survival(self) -> tuple[Step, ...]:
        """Kaplan-Meier of fulfilment, other ends censored; spread is Greenwood's sum (Kaplan, Meier 1958)."""
        curve: list[Step] = []
        value, spread = 1.0, 0.0
        for row in self.rows:
            if row.fulfilled:
                value *= 1 - row.fulfilled / row.at_risk
                left = row.at_risk - row.fulfilled
                spread += row.fulfilled / (row.at_risk * left) if left else inf
                curve.append(Step(row, value, spread))
        return tuple(curve)

    @cached_property
    def incidence(self) -> tuple[Step, ...]:
        """Aalen-Johansen share fulfilled by each time; spread is its variance (Marubini, Valsecchi 1995, 10.12)."""
        curve: list[Step] = []
        before, share = 1.0, 0.0
        # Sums that make the variance at every time linear to compute: with F_i the share after i,
        # var(F) = sum (F-F_i)^2 g_i + sum a_i - 2 sum (F-F_i) b_i
        g = gf = gff = a = b = bf = 0.0
        for row in self.rows:
            n, d, k = row.at_risk, row.ended, row.fulfilled
            share += before * k / n
            gi = d / (n * (n - d)) if n > d else 0.0
            bi = before * k / (n * n)
            g, gf, gff = g + gi, gf + gi * share, gff + gi * share * share
            a += before * before * k * (n - k) / n**3
            b, bf = b + bi, bf + bi * share
            variance = share * share * g - 2 * share * gf + gff + a - 2 * (share * b - bf)
            before *= 1 - d / n
            if k:
                curve.append(Step(row, share, max(0.0, variance)))
        return tuple(curve)


def life_table(cohorts: Iterable[Cohort], as_of_ms: int, *, merged: Mapping[str, int] | None = None) -> LifeTable:
    """One table of all cohorts, as of an instant: what ended later was still open then.

    `merged` is the sum of the cohorts' measures; give it where nothing ended after as-of. It saves
    reading every bin of every day, and is not used where it does not add up.
    """
    seen = [cohort for cohort in cohorts if cohort.start_ms < as_of_ms]
    if merged is not None and _adds_up(seen, merged):
        return _table(ends_in(merged), {cohort: cohort.ended for cohort in seen}, as_of_ms)
    ends: dict[tuple[str, int], int] = {}
    ended: dict[Cohort, int] = {}
    for cohort in seen:
        happened = ends_in(cohort.measures, longest_ms=as_of_ms - cohort.start_ms)
        for end, n in happened.items():
            ends[end] = ends.get(end, 0) + n
        ended[cohort] = sum(happened.values())
    return _table(ends, ended, as_of_ms)


def _adds_up(cohorts: Iterable[Cohort], merged: Mapping[str, int]) -> bool:
    found = [(cohort.started, cohort.ended) for cohort in cohorts]
    totals = sum(started for started, _ in found), sum(ended for _, ended in found)
    return totals == (merged.get("surv.start", 0), merged.get("j.outcome", 0))


def _table(ends: Ends, ended: Mapping[Cohort, int], as_of_ms: int) -> LifeTable:
    causes: Counter[str] = Counter()
    at: dict[int, tuple[int, int]] = {}
    for (cause, bin_), n in ends.items():
        causes[cause] += n
        fulfilled, all_ = at.get(bin_, (0, 0))
        at[bin_] = (fulfilled + n * (cause == FULFILLED), all_ + n)
    leaving = sorted((_seen_for(cohort, as_of_ms), cohort.started - n) for cohort, n in ended.items())
    started = sum(cohort.started for cohort in ended)
    rows: list[Row] = []
    at_risk, gone = started, 0
    for bin_ in sorted(at):
        time = middle_of(bin_)
        while gone < len(leaving) and leaving[gone][0] < time:
            at_risk -= leaving[gone][1]
            gone += 1
        fulfilled, all_ = at[bin_]
        if all_:
            at_risk = max(at_risk, all_)
            rows.append(Row(time, bin_, at_risk, fulfilled, all_))
            at_risk -= all_
    last_seen = max((time for time, n in leaving if n), default=0.0)
    followed = max(last_seen, rows[-1].time_ms if rows else 0.0)
    return LifeTable(tuple(rows), started, dict(causes), followed)


def _seen_for(cohort: Cohort, as_of_ms: int) -> float:
    """How long the open ones of a cohort have been followed: from the middle of what their day allows."""
    return as_of_ms - (cohort.start_ms + min(cohort.end_ms, as_of_ms)) / 2


class Estimate(NamedTuple):
    """A time in ms with its bounds; value None: the curve does not get there."""

    value: float | None
    bounds: Bounds
    method: str


class RestrictedMean(NamedTuple):
    """Mean time up to a horizon, in ms."""

    value: float
    bounds: Closed
    horizon_ms: float


def restricted_mean(table: LifeTable, horizon_ms: float, level: float = LEVEL) -> RestrictedMean | None:
    """Area under Kaplan-Meier up to the horizon, or to where follow-up ends.

    Irwin 1949 (J. Hyg. 47:188); variance by Greenwood: Klein, Moeschberger 2003, section 4.5.
    """
    horizon = min(horizon_ms, table.followed_ms)
    if not table.started or horizon <= 0:
        return None
    curve = [step for step in table.survival if step.row.time_ms < horizon]
    area = spread = 0.0
    until = horizon
    for step in reversed(curve):
        area += step.value * (until - step.row.time_ms)
        left = step.row.at_risk - step.row.fulfilled
        if left:
            spread += area * area * step.row.fulfilled / (step.row.at_risk * left)
        until = step.row.time_ms
    area += until
    half = normal_quantile(level) * sqrt(spread)
    return RestrictedMean(area, Closed(max(0.0, area - half), min(horizon, area + half)), horizon)


def quantile(table: LifeTable, q: float, level: float = LEVEL) -> Estimate:
    """Time by which a share q is fulfilled: Kaplan-Meier, or Aalen-Johansen where other ends compete."""
    if table.competing:
        steps = [(s.row.bin, s.value, *_log_log_band(s.value, s.spread, level)) for s in table.incidence]
        method = "aalen-johansen, log-log"
    else:
        steps = [(s.row.bin, 1 - s.value, *_greenwood_band(s.value, s.spread, level)) for s in table.survival]
        method = "kaplan-meier, greenwood log"
    near = q - 1e-12
    value = next((b for b, share, _, _ in steps if share >= near), None)
    low = next((b for b, _, _, upper in steps if upper >= near), None)
    high = next((b for b, _, lower, _ in steps if lower >= near), None)
    followed = table.followed_ms
    bounds = Bounds(
        bounds_of(low)[0] if low is not None else followed, bounds_of(high)[1] if high is not None else None
    )
    return Estimate(middle_of(value) if value is not None else None, bounds, method)


def _greenwood_band(survival: float, spread: float, level: float) -> tuple[float, float]:
    """Band of the share fulfilled from the log-transformed survival."""
    if survival <= 0:
        return 1 - survival, 1 - survival
    factor = exp(normal_quantile(level) * sqrt(spread))
    return 1 - min(1.0, survival * factor), 1 - survival / factor


def _log_log_band(share: float, variance: float, level: float) -> tuple[float, float]:
    """Band of a cumulative incidence on the log-log scale (Kalbfleisch, Prentice 2002, 8.2)."""
    if not 0 < share < 1:
        return share, share
    power = exp(normal_quantile(level) * sqrt(variance) / (share * -log(share)))
    return share**power, share ** (1 / power)
