"""Results: the honest KPI result, verdicts with their evidence, and the event of a stored evaluation."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from civiloop_shared.contracts.topics import EVALUATIONS, Topic
from civiloop_shared.contracts.values import Identifier, Instant


class ResultState(StrEnum):
    """Why a result has its value, or none."""

    OK = "ok"
    NO_DATA = "no_data"
    TOO_FEW = "too_few"
    NOT_MEASURED = "not_measured"
    NOT_REACHED = "not_reached"
    STALE = "stale"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"


class Verdict(StrEnum):
    """Judgement of a target."""

    MET = "met"
    MISSED = "missed"
    TOO_CLOSE = "too_close_to_call"
    NOT_ENOUGH = "not_enough_data"
    NOT_MEASURED = "not_measured"


class RedesignVerdict(StrEnum):
    """Judgement of a redesign benchmark."""

    KEEP = "keep"
    IMPROVE = "improve"
    REDESIGN = "redesign"
    REIMPLEMENT = "reimplement"
    NOT_ENOUGH = "not_enough_evidence"


class FindingKind(StrEnum):
    """What a finding is about."""

    SOURCE_SILENT = "source_silent"
    HOT_STEP = "hot_step"
    SEGMENT_GAP = "segment_gap"
    DRIVER = "driver"
    REPEAT_CONTACT = "repeat_contact"
    CHANGE_POINT = "change_point"
    AGENCY_UP_CITIZEN_DOWN = "agency_up_citizen_down"
    GREEN_BUT_RED = "green_but_red"
    TARGET_MISSED = "target_missed"
    RESPONSE_BIAS = "response_bias"
    ONE_SIDED = "one_sided"
    THEME_RISING = "theme_rising"
    THEME_DRIVER = "theme_driver"


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Interval(_Wire):
    """An interval in the unit of its result; ``level`` is its nominal coverage, for example 0.95."""

    low: float | None
    high: float | None
    level: float
    method: str


class Period(_Wire):
    """Inclusive start, exclusive end, and the zone whose calendar it follows."""

    start: Instant
    end: Instant
    zone: str


class KpiResult(_Wire):
    """One KPI over one period and cut: a value or the reason for none, and all that is needed to judge it."""

    kpi: Identifier
    definition_version: int
    state: ResultState
    reason: str | None = None
    value: float | None = None
    unit: str
    direction: Literal["up", "down"]
    n: int
    eligible: int | None = None
    response_rate: float | None = None
    interval: Interval | None = None
    numerator: float | None = None
    denominator: float | None = None
    period: Period
    cut: str = ""
    minimum_to_show: int = 30
    minimum_to_judge: int = 100
    channels_reporting: tuple[str, ...] = ()
    channels_expected: tuple[str, ...] = ()
    complete_until: Instant | None = None
    for_repeated_looks: bool = False
    details: dict[str, Any] = Field(default_factory=dict)


class KpiSummary(_Wire):
    """What a reader must know of a KPI's definition: every published number cites it."""

    id: Identifier
    version: int
    title: dict[str, str]
    formula: str
    source: str
    unit: str
    direction: Literal["up", "down"]
    family: str
    interval_method: str
    minimum_to_show: int
    minimum_to_judge: int


class TargetResult(_Wire):
    """A target judged by a KPI result.

    ``judged`` says when the verdict may be looked at: at every look, by a confidence sequence over the run that is the
    period of ``result``; or at the end of that period, once. Stored evaluations judge at the end of their period.
    ``at_risk`` is the flag of the trend over the last periods, and ``trend`` its reason: in the live status only, None
    where too few periods are known.
    """

    target: Identifier
    kpi: Identifier
    comparison: Literal["at_least", "at_most"]
    threshold: float
    unit: str
    verdict: Verdict
    explanation: str
    review_overdue: bool = False
    judged: Literal["at_every_look", "at_period_end"] = "at_period_end"
    at_risk: bool | None = None
    trend: str | None = None
    result: KpiResult


class ClauseResult(_Wire):
    """One criterion of a benchmark: what held and by how much it was missed.

    ``held`` says whether it speaks against the service, None while that is unknown. ``margin`` is the distance to the
    threshold in the unit of the KPI, negative on the bad side of it.
    """

    rule: str
    kpi: str = ""
    level: Literal["redesign", "reimplement", "goal"]
    state: str
    critical: bool = False
    threshold: float
    observed: float | None
    n: int
    explanation: str
    held: bool | None = None
    margin: float | None = None
    side: Literal["below", "above"] | None = None
    clear: float | None = None
    unit: str = ""


class BenchmarkResult(_Wire):
    """A redesign benchmark with its clauses, states before and after, and a sentence for leaders.

    ``period`` is given in the live status only, which shows what the newest closed evaluation left: that of it.
    """

    benchmark: Identifier
    verdict: RedesignVerdict
    draft: bool
    explanation: str
    clauses: tuple[ClauseResult, ...]
    states: dict[str, Any] = Field(default_factory=dict)
    period: Period | None = None


class FindingSummary(_Wire):
    """A cause, pattern or opportunity that an evaluation found; ``id`` stays the same for the same cause.

    ``people`` is about how many people or journeys of the period it concerns. ``q_value`` is the p-value adjusted for
    all tests of the evaluation; both are None where a rule and no test decided. ``link`` shows the events behind it.
    """

    id: Identifier
    kind: FindingKind
    tone: Literal["problem", "improvement", "notice"]
    cause: str
    statement: str
    kpi: str
    cut: str = ""
    numbers: dict[str, float | int | str | None] = Field(default_factory=dict)
    people: float = 0.0
    period: Period
    method: str
    p_value: float | None = None
    q_value: float | None = None
    interval: Interval | None = None
    link: str


class ThemeResult(_Wire):
    """What comments are about: how many have a theme, what it costs, and whether it is new or rising.

    ``share`` is of all comments. ``impact`` = prevalence × (``overall_mean`` − ``mean``) in points of the rating scale,
    over comments with a rating; with its interval and p-values it is None below ten such comments with or without
    the theme. ``state`` compares ``share`` with ``share_before``, that of up to twelve earlier periods of the same
    length. ``languages`` counts by the language that people used the service in.
    """

    theme: Identifier
    title: dict[str, str]
    n: int
    share: float
    rated: int
    mean: float | None = None
    overall_mean: float | None = None
    impact: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    q_value: float | None = None
    state: Literal["new", "rising", "steady"] = "steady"
    share_before: float | None = None
    trend_p_value: float | None = None
    trend_q_value: float | None = None
    languages: dict[str, int] = Field(default_factory=dict)


class TaxonomyUsed(_Wire):
    """The taxonomy whose titles and successors an evaluation used; ``digest`` changes with what comments are read for.

    Comments keep the themes that they were given by the taxonomy of their time, until they are read again.
    """

    version: int
    digest: str


class PublishedTarget(_Wire):
    """A target as the public may see it: without verdict and numbers where those of ``result`` are hidden."""

    target: Identifier
    kpi: Identifier
    comparison: Literal["at_least", "at_most"]
    threshold: float
    unit: str
    verdict: Verdict | None = None
    explanation: str = ""
    review_overdue: bool = False
    result: KpiResult


class PublishedBenchmark(_Wire):
    """A redesign benchmark as the public may see it: without verdict where it rests on a hidden number.

    The clauses then name their criteria and thresholds only, with the state ``hidden``.
    """

    benchmark: Identifier
    verdict: RedesignVerdict | None = None
    draft: bool
    explanation: str = ""
    clauses: tuple[ClauseResult, ...] = ()


class Publication(_Wire):
    """All that the public may see of an evaluation; a hidden number is ``suppressed`` and carries nothing.

    ``kept`` names, by KPI or by KPI and dimension (``csat/channel``), the evaluation that its numbers are from
    (``number/revision``) where a later one would have told of a few people: those of an earlier edition.
    """

    results: tuple[KpiResult, ...] = ()
    cuts: tuple[KpiResult, ...] = ()
    targets: tuple[PublishedTarget, ...] = ()
    benchmarks: tuple[PublishedBenchmark, ...] = ()
    kept: dict[str, str] = Field(default_factory=dict)


class Withheld(_Wire):
    """A number that the public may not see, or not in this edition, and why: for those inside only.

    ``cut`` is that of a cell, or a dimension with ``=*`` where all of its cells are.
    """

    kpi: Identifier
    cut: str = ""
    reason: str


class EvaluationRecorded(_Wire):
    """A stored evaluation of one service and period; a late change makes the next ``revision`` of its ``number``.

    ``published`` is what public pages show of it: None where nothing is (live, on demand, before there was any).
    ``withheld`` says what is hidden there and why; like all else here it is for those inside.
    """

    TOPIC: ClassVar[Topic] = EVALUATIONS
    TYPE: ClassVar[str] = "civiloop.evaluation.recorded.v1"

    service: Identifier
    body: Identifier
    number: int
    revision: int
    period: Period
    closed: bool
    as_of: Instant
    catalogue_version: int
    inputs_digest: str
    definitions: tuple[KpiSummary, ...] = ()
    results: tuple[KpiResult, ...]
    cuts: tuple[KpiResult, ...] = ()
    targets: tuple[TargetResult, ...]
    benchmarks: tuple[BenchmarkResult, ...]
    findings: tuple[FindingSummary, ...] = ()
    themes: tuple[ThemeResult, ...] = ()
    taxonomy: TaxonomyUsed | None = None
    changed: tuple[str, ...] = ()
    published: Publication | None = None
    withheld: tuple[Withheld, ...] = ()

    def key(self) -> bytes:
        """Return the Kafka key: the service."""
        return self.service.encode()
