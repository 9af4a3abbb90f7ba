"""The documents of a catalogue. The JSON Schema for editors is made from these models.

Every document has a ``kind``; a file may hold several, divided by ``---``. The body is that of the key used.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from civiloop_shared.contracts.catalogue import KEEP_FACTS_MONTHS
from civiloop_shared.contracts.values import Channel, Identifier, Label, LanguageTag
from evaluation_engine.domain.times import fault_of
from evaluation_engine.service.catalogue.kpi_documents import KpiDocument
from evaluation_engine.service.catalogue.questions import Question

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
Title = Annotated[dict[LanguageTag, Line], Field(min_length=1, max_length=20)]
"""A title in one or more languages, by language tag."""

Amount = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
_DIGITAL = (Channel.WEB, Channel.APP, Channel.KIOSK)


@cache
def _zones() -> frozenset[str]:
    """All zones of the IANA database. Its files are listed once: a catalogue may have hundreds of services."""
    return frozenset(available_timezones())


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError("no such time zone; give a name of the IANA database such as Europe/Athens")
    return zone


Zone = Annotated[str, StringConstraints(max_length=60), AfterValidator(_known_zone)]


class Cycle(StrEnum):
    """How often a service is evaluated: after each day, week (from Monday) or month of its own zone."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def _usable_cron(cron: str) -> str:
    reason = fault_of(cron)
    if reason is not None:
        raise ValueError(reason)
    return cron


class EvaluationTimes(BaseModel):
    """A cycle of the body's own: when evaluations are made, each for the whole days since the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cron: Annotated[str, StringConstraints(max_length=100), AfterValidator(_usable_cron)] = Field(
        description="Minute, hour, day of month, month, weekday: `0 6 * * MON`. At most one evaluation a day."
    )
    zone: Zone | None = Field(default=None, description="Time zone of the expression. [default: the service's]")
    holidays: Annotated[tuple[date, ...], Field(max_length=1000)] = ()
    on_holiday: Literal["next_day", "skip"] = Field(
        default="next_day", description="Move an evaluation that falls on a holiday to the next other day, or skip it."
    )


class Outcome(StrEnum):
    """Whose outcome a goal is about."""

    CITIZEN = "citizen"
    BUSINESS = "business"
    SERVICE = "service"


class Document(BaseModel):
    """What all kinds have. A field that is not known is refused, so that a typing error is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)

    kind: str
    id: Identifier = Field(description="Lower case letters, digits and hyphens; it can't be changed later.")


class BodyDocument(Document):
    """The public body that the services belong to."""

    kind: Literal["body"]
    title: Title


class ServiceDocument(Document):
    """A service: where people can use it, what it is measured by, and how often it is evaluated."""

    kind: Literal["service"]
    body: Identifier | None = Field(default=None, description="Optional; must be the body of the key that applies it.")
    title: Title
    description: dict[LanguageTag, Words] = Field(default_factory=dict, max_length=20)
    owner: Line | None = None
    supplier: Line | None = None
    zone: Zone = "UTC"
    languages: tuple[LanguageTag, ...] = Field(default=("en",), min_length=1, max_length=30)
    channels: tuple[Channel, ...] = Field(default=tuple(Channel), min_length=1)
    digital_channels: tuple[Channel, ...] = Field(
        default=_DIGITAL, description="Channels on which a person can finish without a clerk."
    )
    steps: tuple[Label, ...] = Field(default=(), max_length=40, description="Steps of a journey, in order.")
    segments: dict[Identifier, Annotated[tuple[Label, ...], Field(min_length=1, max_length=30)]] = Field(
        default_factory=dict, max_length=10, description="Dimensions people may declare, each with its values."
    )
    questions: tuple[Question, ...] = Field(
        default=(), max_length=40, description="Questions beside rating, nps, effort and task_done."
    )
    silence_limit_hours: int = Field(
        default=336, ge=1, le=8784, description="A journey that is silent for longer counts as abandoned."
    )
    oldest_event_days: int = Field(default=14, ge=1, le=14, description="Older live events are refused.")
    keep_facts_months: int = Field(
        default=KEEP_FACTS_MONTHS,
        ge=1,
        le=600,
        description="Single answers and journeys are let go after so many whole months; numbers made from them stay.",
    )
    silent_after_days: int = Field(
        default=45, ge=1, le=366, description="Journeys or measurements that stay away for longer are a silent source."
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    evaluation_cycle: Cycle = Cycle.MONTHLY
    evaluation_times: EvaluationTimes | None = Field(
        default=None, description="Given, they take the place of evaluation_cycle."
    )
    packs: tuple[Identifier, ...] = Field(
        default=(), max_length=20, description="Packs of KPIs in use, see GET /v1/kpis; core where none is listed."
    )
    kpis: tuple[Identifier, ...] = Field(
        default=(), max_length=100, description="Single KPIs in use, beside those of the packs."
    )
    promised_days: float | None = Field(
        default=None, gt=0, le=36_600, description="Within how many days the service promises the outcome."
    )


class GoalDocument(Document):
    """What is to be reached, for whom, and the KPIs that show it."""

    kind: Literal["goal"]
    service: Identifier
    outcome: Outcome
    statement: Title
    kpis: tuple[Identifier, ...] = Field(default=(), max_length=20)
    owner: Line | None = None


class _Cut(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Cut):
    """The part of the service that is meant; empty means all of it. One dimension, or channel and one other."""

    channel: Channel | None = None
    language: LanguageTag | None = None
    assisted: bool | None = None
    step: Label | None = None
    segment: Annotated[dict[Identifier, Label], Field(max_length=1)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kept(self) -> Self:
        others = [self.language, self.assisted, self.step, self.segment or None]
        if sum(part is not None for part in others) > 1:
            raise ValueError("numbers are kept for one dimension, or for channel and one other")
        return self

    def cut(self) -> str:
        """Return the name of the cut in the aggregates, for example ``channel=web|segment.age=65+``."""
        parts = [f"channel={self.channel.value}"] if self.channel else []
        if self.language is not None:
            parts.append(f"language={self.language}")
        if self.assisted is not None:
            parts.append(f"assisted={'yes' if self.assisted else 'no'}")
        if self.step is not None:
            parts.append(f"step={self.step}")
        parts.extend(f"segment.{name}={value}" for name, value in self.segment.items())
        return "|".join(parts)


class BurnRate(_Cut):
    """Watch a target by how fast it uses up its error budget; problems open and close by themselves."""

    min_sample: int = Field(
        default=1, ge=1, le=10_000_000, description="How much the long window must hold before an alert may fire."
    )


class TargetDocument(Document):
    """A threshold that a KPI is to reach, judged with its interval."""

    kind: Literal["target"]
    service: Identifier
    kpi: Identifier
    goal: Identifier | None = None
    at_least: Amount | None = None
    at_most: Amount | None = None
    scope: Scope = Scope()
    confidence: float = Field(default=0.95, ge=0.5, le=0.999)
    by: date | None = Field(default=None, description="The day by which the target is to be met.")
    origin: Words = Field(description="Who set the target, and from what.")
    review_by: date | None = Field(default=None, description="Past this day the target is marked stale.")
    burn_rate: BurnRate | None = None
    owner: Line | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self


class Limit(_Cut):
    """Where a criterion is broken, and from where it is good again: on the good side, or both are the same."""

    breach_below: Amount | None = None
    breach_above: Amount | None = None
    clear_when: Amount | None = Field(
        default=None, description="Ends a breach once it has fired; the same as the breach when not given."
    )

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.breach_below is None) == (self.breach_above is None):
            raise ValueError("give either breach_below or breach_above")
        return self

    @property
    def breach_when(self) -> Literal["below", "above"]:
        """The bad side."""
        return "above" if self.breach_below is None else "below"

    @property
    def threshold(self) -> float:
        """Where the bad side begins."""
        return self.breach_below if self.breach_below is not None else float(self.breach_above or 0.0)

    @property
    def clears_at(self) -> float:
        """From where a breach that fired is over."""
        return self.threshold if self.clear_when is None else self.clear_when


class Criterion(_Cut):
    """One thing a benchmark looks at, with the goal and up to two levels."""

    id: Identifier
    kpi: Identifier
    scope: Scope = Scope()
    critical: bool = Field(default=False, description="A breach of it decides, whatever else is unknown.")
    weight: float = Field(default=1.0, gt=0, le=1000)
    goal: Amount | None = Field(default=None, description="From here on it is good.")
    redesign: Limit | None = None
    reimplement: Limit | None = None
    decide_by: Literal["point", "lower_bound", "upper_bound"] = "point"
    min_sample: int = Field(default=100, ge=1, le=10_000_000)
    for_: int = Field(default=0, ge=0, le=100, alias="for", description="Further breaches after the first.")
    keep_firing_for: int = Field(default=0, ge=0, le=100)
    no_data: Literal["keep_last", "no_data"] = "no_data"
    source: Words = Field(description="Where the thresholds come from.")

    @model_validator(mode="after")
    def _some_level(self) -> Self:
        if self.redesign is None and self.reimplement is None:
            raise ValueError("give redesign, reimplement or both")
        return self


class Combination(_Cut):
    """How the criteria of a level are combined, in three-valued logic."""

    rule: Literal["any_critical", "any", "all", "k_of_n", "weighted"] = "any_critical"
    k: int | None = Field(default=None, ge=1, le=40, description="How many, for k_of_n.")
    share: float | None = Field(default=None, gt=0, le=1, description="Which share of the weights, for weighted.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.rule == "k_of_n") != (self.k is not None):
            raise ValueError("k belongs to k_of_n, and k_of_n needs it")
        if (self.rule == "weighted") != (self.share is not None):
            raise ValueError("share belongs to weighted, and weighted needs it")
        return self


class BenchmarkDocument(Document):
    """When a service is to be redesigned or built anew. One that nobody approved is a draft."""

    kind: Literal["benchmark"]
    services: tuple[Identifier, ...] = Field(min_length=1, max_length=500)
    title: Title
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=40)
    redesign_when: Combination = Combination()
    reimplement_when: Combination = Combination()
    owner: Line | None = None
    source: Words
    approved_by: Line | None = None
    approved_on: date | None = None
    review_by: date | None = None

    @model_validator(mode="after")
    def _approval(self) -> Self:
        if (self.approved_by is None) != (self.approved_on is None):
            raise ValueError("approved_by and approved_on go together")
        return self


AnyDocument = BodyDocument | ServiceDocument | KpiDocument | GoalDocument | TargetDocument | BenchmarkDocument
MODELS: dict[str, type[AnyDocument]] = {
    "body": BodyDocument,
    "service": ServiceDocument,
    "kpi": KpiDocument,
    "goal": GoalDocument,
    "target": TargetDocument,
    "benchmark": BenchmarkDocument,
}


def to_json(document: AnyDocument) -> dict[str, Any]:
    """Return a document as it is stored: defaults filled in, so that a later default doesn't change its meaning."""
    return document.model_dump(mode="json", by_alias=True)


def from_json(kind: str, data: dict[str, Any]) -> AnyDocument:
    """Return a stored document."""
    return MODELS[kind].model_validate(data)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of one document, for editors."""
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[AnyDocument, Field(discriminator="kind")])
    schema = adapter.json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Civiloop catalogue document", **schema}
