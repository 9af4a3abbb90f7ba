"""Whom a KPI counts: others that count the same people can be subtracted from it, whatever else they say of them."""

from __future__ import annotations

from hashlib import blake2b

from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    DurationQuantile,
    Gap,
    Measure,
    MeasuredMean,
    NetScore,
    PerStep,
    Proportion,
    Rate,
    Ratio,
    Response,
    RestrictedMean,
    Score,
    Sum,
    SurvivalQuantile,
    Terms,
    WithinPromise,
)


def subject_of(definition: Definition) -> str:
    """Return a mark that is the same for KPIs that count the same people, on the days that they count at.

    The channel that a journey counts for is left out: it doesn't change who is in the total.
    """
    whom = _whom(definition.measure)
    where = definition.where.text if definition.where else ""
    told = (whom, definition.anchor, where) if whom else (definition.id,)
    return blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _whom(measure: Measure) -> tuple[str, ...]:
    """What the number of people is the sum of; nothing where no other KPI has the same number."""
    match measure:
        case (
            Proportion(denominator=whom)
            | PerStep(overall=Proportion(denominator=whom))
            | Response(eligible=whom)
            | NetScore(answers=whom)
            | Ratio(count=whom)
            | Rate(denominator=whom, n_of=None)
        ):
            return _names(whom)
        case Score():
            return _names(Terms(tuple(name for name, _ in measure.points)))
        case DurationMean() | DurationQuantile():
            return "durations", measure.prefix
        case WithinPromise():
            return "promises", measure.prefix
        case RestrictedMean() | SurvivalQuantile():
            return ("cohort",)
        case Gap() | MeasuredMean() | Rate():
            return ()


def _names(of: Sum) -> tuple[str, ...]:
    if isinstance(of, Terms):
        return tuple(sorted([*(f"1 {name}" for name in of.plus), *(f"-1 {name}" for name in of.minus)]))
    return tuple(sorted(f"{factor} {name}" for factor, name in of.parts))
