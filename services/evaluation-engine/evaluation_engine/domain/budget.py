"""The error budget of a target: the share that may be bad, and what of it measures use up.

A share that is to be at least 99.5 % may be bad by 0.5 %. A quantile is watched as a share within its threshold: a
95th percentile of at most 300 ms allows 5 % to take longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.estimate import estimate
from evaluation_engine.domain.evidence import Evidence, Sources
from evaluation_engine.domain.intervals import LEVEL
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Gap,
    Measure,
    MeasuredMean,
    PerStep,
    Proportion,
    Rate,
    Response,
    Score,
    WithinPromise,
)
from evaluation_engine.domain.sketch import Sketch
from evaluation_engine.domain.target import Target

SOON = frozenset({"error-rate"})
"""KPIs of journeys by their start whose numerator comes in while the journey is under way."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The bad share of what there is, None where there is nothing; ``n`` is what a minimum is compared with.

    ``of`` is what it is a share of: answers, journeys, samples, or seconds that were watched.
    """

    bad: float | None
    n: int
    of: float = 0.0

    @property
    def events(self) -> float:
        """Return how many are bad, half bad ones by half."""
        return round((self.bad or 0.0) * self.of, 6)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a target allows to be bad. ``settings`` are those of the service that its KPI depends on."""

    target: Target
    definition: Definition
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Return the share that may be bad."""
        measure = self.definition.measure
        if isinstance(measure, DurationQuantile):
            return round(1 - measure.q, 9)
        allowed = self.target.threshold / self._highest
        return 1 - allowed if self.target.comparison == "at_least" else allowed

    @property
    def wanted(self) -> str:
        """Return the target in words."""
        side = self.target.comparison.replace("_", " ")
        wanted = f"{side} {self.target.threshold:g} {self.definition.unit}"
        if isinstance(self.definition.measure, DurationQuantile):
            return f"{wanted}, watched as the share above: at most {100 * self.share:g} %"
        return wanted

    @property
    def _highest(self) -> float:
        return self.definition.scale[1] or 1.0

    def spent(self, measures: Measures) -> Spent:
        """Return the bad share among measures."""
        measure = self.definition.measure
        if isinstance(measure, DurationQuantile):
            sketch = Sketch.of(measures, measure.prefix)
            within = sketch.within(self.target.threshold * measure.per)
            return Spent((sketch.n - within) / sketch.n if sketch.n else None, sketch.n, sketch.n)
        evidence = Evidence(0, 0, "UTC", 0, measures, Sources({}), settings=self.settings)
        found = estimate(measure, evidence, LEVEL)
        if found.value is None:
            return Spent(None, 0)
        share = found.value / self._highest
        bad = max(0.0, 1 - share if self.target.comparison == "at_least" else share)
        return Spent(bad, found.n, found.denominator or 0.0)


def beginnings_of(measure: Measure) -> tuple[str, ...]:
    """Return the measures, or their beginnings, that a share or quantile is made from; nothing for other kinds."""
    names: tuple[str, ...]
    match measure:
        case Proportion():
            names = (*measure.numerator.names, *measure.denominator.names)
        case PerStep():
            names = beginnings_of(measure.overall)
        case Response():
            names = (*measure.answers.names, *measure.eligible.names)
        case Rate():
            names = (*measure.numerator.names, *measure.denominator.names, *((measure.n_of,) if measure.n_of else ()))
        case Score():
            names = tuple(name for name, _ in measure.points)
        case MeasuredMean():
            names = tuple(f"m.{measure.name}.{part}" for part in ("n", "samples", "sum"))
        case DurationMean() | DurationQuantile() | WithinPromise():
            names = (f"{measure.prefix}.",)
        case _:
            names = ()
    return tuple(sorted(set(names)))


def hindrances(target: Target, definition: Definition) -> Iterator[str]:
    """Yield every reason why a target has no error budget that can be watched by the hour."""
    quantile = isinstance(definition.measure, DurationQuantile)
    low, high = definition.scale
    is_share = low == 0 and high is not None and not isinstance(definition.measure, Gap)
    if not (quantile or (is_share and beginnings_of(definition.measure))):
        yield "a burn rate needs a KPI that is a share, or a quantile of durations or samples"
        return
    good_side = "at_least" if definition.direction == "up" and not quantile else "at_most"
    if target.comparison != good_side:
        yield "a burn rate needs a target on the good side of its KPI"
        return
    if definition.start_days_needed or (definition.anchor == "start" and definition.id not in SOON):
        yield "journeys that have just begun have no outcome yet, so this KPI can't be watched by the hour"
    if target.cut and (not target.cut.startswith("channel=") or "|" in target.cut):
        yield "quarter hours are kept in total and by channel only"
    if definition.where is not None:
        yield "the part that this KPI is about is kept by whole days only"
    if Budget(target, definition).share <= 0:
        yield "there is no error budget: nothing may be bad"
