"""How a value is made from the measures of the aggregates, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of measures, some taken off: `plus - minus`."""

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All measures in it."""
        return (*self.plus, *self.minus)

    def of(self, measures: Mapping[str, int]) -> int:
        """The sum over a map."""
        return sum(measures.get(name, 0) for name in self.plus) - sum(measures.get(name, 0) for name in self.minus)


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of measures, each times a number, in exact fractions."""

    parts: tuple[tuple[Fraction, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All measures in it."""
        return tuple(name for _, name in self.parts)

    @property
    def divisor(self) -> int:
        """The smallest number that makes all factors whole."""
        return lcm(*(factor.denominator for factor, _ in self.parts))

    def of(self, measures: Mapping[str, int]) -> Fraction:
        """The sum over a map."""
        return sum((factor * measures.get(name, 0) for factor, name in self.parts), Fraction(0))


Sum = Terms | Linear


def measured(name: str) -> Linear:
    """The total of a measurement, in its own unit."""
    return Linear(((Fraction(1, 1000), f"m.{name}.sum"),))


@dataclass(frozen=True, slots=True)
class Proportion:
    """Counts over counts, as %; Wilson."""

    numerator: Sum
    denominator: Sum


@dataclass(frozen=True, slots=True)
class Response:
    """Answers over those who could have answered, as %; Wilson. Says how respondents differ from users."""

    answers: Terms
    eligible: Terms


@dataclass(frozen=True, slots=True)
class Gap:
    """Best group less worst group of one dimension, in points of %; Newcombe. Groups below `least` are left out."""

    of: Proportion
    dimension: str = "segment"
    least: int = 30


@dataclass(frozen=True, slots=True)
class PerStep:
    """A proportion of journeys, and of those who reached a step where the cut names one, as %; Wilson."""

    overall: Proportion
    numerator: str = "abandoned"
    denominator: str = "reached"


@dataclass(frozen=True, slots=True)
class NetScore:
    """Share of promoters minus share of detractors, in points from -100 to 100; adjusted Wald."""

    promoters: Terms
    detractors: Terms
    answers: Terms


@dataclass(frozen=True, slots=True)
class Score:
    """Mean of points given for each answer, in `1/per` of the unit; Student's t with half an answer at each end."""

    points: tuple[tuple[str, int], ...]
    per: int = 1


@dataclass(frozen=True, slots=True)
class MeasuredMean:
    """Plain mean of the values of a measurement, times a factor; Student's t."""

    name: str
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class DurationMean:
    """Plain mean of the durations of finished cases, in days; Student's t."""

    prefix: str


@dataclass(frozen=True, slots=True)
class DurationQuantile:
    """Quantile of values in bins; order statistics. `per` bins' units are one of the KPI: milliseconds make days.

    Samples of a measurement lie in bins of thousandths of their unit: `m.<name>`, per 1,000.
    """

    prefix: str
    q: float
    per: int = 86_400_000


@dataclass(frozen=True, slots=True)
class WithinPromise:
    """Share of finished cases that took no longer than the service promises, as %; Wilson."""

    prefix: str


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time to fulfilment up to a horizon with open cases censored, in days; Greenwood."""

    horizon_days: int


@dataclass(frozen=True, slots=True)
class SurvivalQuantile:
    """Time by which a share is fulfilled, with open cases and competing ends, in days."""

    q: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured total over a count; delta method over buckets."""

    total: str
    count: Terms


@dataclass(frozen=True, slots=True)
class Rate:
    """One sum over another, times a factor; delta method over buckets.

    `n_of` names the measure that the minimum is compared with; without one it is the denominator. `of_time` says that
    the denominator is seconds that were watched and the numerator some of them: the rest of the period is unwatched.
    """

    numerator: Sum
    denominator: Sum
    factor: int = 1
    n_of: str | None = None
    of_time: bool = False

    @property
    def measurements(self) -> tuple[str, ...]:
        """Measurements that have to be reported for a period."""
        names = (*self.numerator.names, *self.denominator.names)
        return tuple(dict.fromkeys(name.split(".")[1] for name in names if name.startswith("m.")))


Measure = (
    Proportion
    | Response
    | Gap
    | PerStep
    | NetScore
    | Score
    | MeasuredMean
    | DurationMean
    | DurationQuantile
    | WithinPromise
    | RestrictedMean
    | SurvivalQuantile
    | Ratio
    | Rate
)

Share = Proportion | Response | PerStep | WithinPromise
"""Kinds whose numerator must lie between none and all."""
