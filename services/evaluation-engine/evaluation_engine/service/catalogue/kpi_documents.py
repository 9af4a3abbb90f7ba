"""KPIs of a body's own, as a catalogue states them, and the definitions that they become."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from civiloop_shared.contracts.values import Identifier, LanguageTag
from evaluation_engine.domain import expression, where
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import (
    DurationMean,
    Linear,
    Measure,
    MeasuredMean,
    Proportion,
    Rate,
    Score,
)
from evaluation_engine.domain.where import Where
from evaluation_engine.service.catalogue.questions import Text

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
_SCALES = {"rating": (1, 5), "nps": (0, 10), "effort": (1, 7)}
_ANCHORS: dict[str, Literal["start", "end", "answer", "day"]] = {"j": "start", "step": "start", "e": "end", "m": "day"}
_INTERVALS = {"proportion": "wilson", "mean": "t", "score": "t, bounded", "ratio": "delta"}


def _parsed(text: str) -> str:
    expression.parse(text)
    return text


def _averaged(name: str) -> str:
    if name in _SCALES or name == "e.dur" or name.startswith("q.") or expression.fault_of(name) is None:
        return name
    raise ValueError(f"must be one of {', '.join(_SCALES)}, e.dur, q.<question> or m.<measurement>")


def _points(points: dict[str, float]) -> dict[str, float]:
    faults = [fault for name in points if (fault := expression.fault_of(name))]
    if faults:
        raise ValueError("; ".join(faults))
    if len(set(points.values())) < 2:
        raise ValueError("must give at least two different numbers of points")
    return points


def _condition(text: str) -> str:
    where.parse(text)
    return text


Condition = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_condition)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_parsed)]


class KpiMeasure(BaseModel):
    """How the value is made from measures that are kept.

    ``proportion`` and ``ratio`` need numerator and denominator, ``mean`` needs ``of``, ``score`` needs ``points``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["proportion", "mean", "score", "ratio"]
    numerator: Expression | None = Field(default=None, description="Sum of measures: j.completed - j.ineligible")
    denominator: Expression | None = Field(default=None, description="Sum of measures: j.started - j.fault")
    of: Annotated[str, StringConstraints(max_length=100), AfterValidator(_averaged)] | None = Field(
        default=None, description="rating, nps, effort, e.dur (days), q.<question> of numbers, or m.<measurement>."
    )
    points: Annotated[dict[str, Number], Field(max_length=40), AfterValidator(_points)] | None = Field(
        default=None, description="Points for each answer, by measure: rating.5: 10"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {name for name in ("numerator", "denominator", "of", "points") if getattr(self, name) is not None}
        needed = {"mean": {"of"}, "score": {"points"}}.get(self.kind, {"numerator", "denominator"})
        if given != needed:
            raise ValueError(f"a {self.kind} needs {' and '.join(sorted(needed, reverse=True))} and nothing else")
        return self


class KpiDocument(BaseModel):
    """A KPI of the body's own. An edit makes a new version; results cite the version that they were computed by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["kpi"]
    id: Identifier = Field(description="Lower case letters, digits and hyphens; not one that comes with the platform.")
    title: Annotated[dict[LanguageTag, Text], Field(min_length=1, max_length=20)]
    family: Literal["it_performance", "business_performance", "customer_satisfaction"]
    it_kind: Literal["technology", "process", "service"] | None = None
    outcome: Literal["citizen", "business", "service"]
    aspect: Literal["effectiveness", "efficiency"]
    nature: Literal["qualitative", "quantitative"]
    goal: Words = Field(description="What is to be reached, in words.")
    signal: Words = Field(description="What would show that it is being reached, in words.")
    source: Words = Field(description="Where the definition is from.")
    owner: Text | None = None
    measure: KpiMeasure
    where: Condition | None = Field(
        default=None, description='The part of the service that it is about: channel == "web" and segment.age == "65+"'
    )
    unit: Annotated[str, StringConstraints(min_length=1, max_length=30, pattern=r"^[^\x00-\x1f]+$")] = "%"
    direction: Literal["up", "down"]
    scale: tuple[Number, Number] | None = Field(default=None, description="Lowest and highest value there is.")
    window: Literal["period", "calendar month", "3 months", "12 months"] = "period"
    dimensions: tuple[Literal["channel", "language", "assisted", "segment", "step"], ...] = (
        "channel",
        "language",
        "assisted",
        "segment",
    )
    minimum_to_show: int = Field(default=30, ge=1, le=1_000_000)
    minimum_to_judge: int = Field(default=100, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = []
        if (self.family == "it_performance") != (self.it_kind is not None):
            faults.append("it_kind goes with the family it_performance and with no other")
        if self.minimum_to_show > self.minimum_to_judge:
            faults.append("minimum_to_show must not be larger than minimum_to_judge")
        if self.scale is not None and self.scale[0] >= self.scale[1]:
            faults.append("scale must go from the lowest value to the highest")
        if self.measure.kind == "proportion" and self.unit != "%":
            faults.append("a proportion has the unit %")
        if (self.measure.of or "").startswith("q.") and self.scale is None:
            faults.append("the mean of a question needs its scale, as in scale: [1, 5]")
        if self.where is not None:
            faults += where.faults_with(where.parse(self.where), measures_of(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def measures_of(document: KpiDocument) -> tuple[str, ...]:
    """Return every measure of the aggregates that a KPI counts, what is divided by first."""
    made = _measure(document)
    match made:
        case Proportion() | Rate():
            names: Iterable[str] = (*made.denominator.names, *made.numerator.names)
        case Score():
            names = (name for name, _ in made.points)
        case MeasuredMean():
            names = (f"m.{made.name}.sum",)
        case _:
            names = ("e.fulfilled",)
    return tuple(dict.fromkeys(names))


def definition_from(document: KpiDocument, version: int) -> Definition:
    """Return the definition that a document states, in the version of the catalogue that changed it last."""
    names = measures_of(document)
    measure = document.measure
    anchor = _ANCHORS.get(names[0].partition(".")[0], "answer")
    condition = where.parse(document.where) if document.where is not None else None
    return Definition(
        id=document.id,
        version=version,
        title=dict(document.title),
        family=document.family,
        outcome=document.outcome,
        aspect=document.aspect,
        nature=document.nature,
        goal=document.goal,
        signal=document.signal,
        formula=_formula(measure) + (f", where {document.where}" if document.where else ""),
        source=document.source,
        measure=_measure(document),
        unit=document.unit,
        direction=document.direction,
        needs=tuple(dict.fromkeys(expression.need_of(name) for name in names)),
        interval=_INTERVALS[measure.kind],
        scale=document.scale or _scale(document),
        anchor=anchor,
        channel_of="last" if anchor == "end" else "first",
        window=document.window,
        dimensions=_dimensions(document, condition),
        where=condition,
        minimum_to_show=document.minimum_to_show,
        minimum_to_judge=document.minimum_to_judge,
        it_kind=document.it_kind,
        owner=document.owner or "the body",
        pack="own",
    )


def _dimensions(document: KpiDocument, condition: Where | None) -> tuple[str, ...]:
    """Return what it can be cut by: of what is kept of its part, all but a dimension of which it is about one value."""
    if condition is None:
        return document.dimensions
    single = {pick.dimension for pick in condition.picks if len(pick.values) == 1 and not pick.negated}
    kept = document.dimensions if condition.other is None else (where.CHANNEL, condition.other.dimension)
    return tuple(one for one in document.dimensions if one in kept and one not in single)


def _measure(document: KpiDocument) -> Measure:
    measure = document.measure
    if measure.points is not None:
        exact = {name: Fraction(str(points)) for name, points in measure.points.items()}
        per = lcm(*(points.denominator for points in exact.values()))
        return Score(tuple((name, int(points * per)) for name, points in exact.items()), per)
    if measure.of is not None:
        return _mean(measure.of, document.scale)
    numerator, denominator = _sum(measure.numerator), _sum(measure.denominator)
    return Proportion(numerator, denominator) if measure.kind == "proportion" else Rate(numerator, denominator)


def _mean(of: str, scale: tuple[float, float] | None) -> Measure:
    if of.startswith("m."):
        return MeasuredMean(of.removeprefix("m."))
    if of == "e.dur":
        return DurationMean(of)
    low, high = _SCALES.get(of) or (int((scale or (0, 0))[0]), int((scale or (0, 0))[1]))
    return Score(tuple((f"{of}.{k}", k) for k in range(low, high + 1)))


def _sum(text: str | None) -> Linear:
    return expression.parse(text or "")


def limits_of(document: KpiDocument) -> tuple[float | None, float | None]:
    """Return the lowest and highest value there can be, each where it is known: a sum may be taken off another."""
    measure = document.measure
    if document.scale is None and (measure.kind == "ratio" or (measure.of or "").startswith("m.")):
        return (None, None)
    return document.scale or _scale(document)


def _scale(document: KpiDocument) -> tuple[float, float | None]:
    measure = document.measure
    if measure.kind == "proportion":
        return (0.0, 100.0)
    if measure.points is not None:
        return (min(measure.points.values()), max(measure.points.values()))
    return _SCALES.get(measure.of or "") or (0.0, None)


def _formula(measure: KpiMeasure) -> str:
    if measure.points is not None:
        return "mean of points: " + ", ".join(f"{name} {points:g}" for name, points in measure.points.items())
    if measure.of is not None:
        return f"mean of {measure.of}"
    times = " × 100" if measure.kind == "proportion" else ""
    return f"({measure.numerator}) / ({measure.denominator}){times}"
