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
    """A target judged by a KPI result."""

    target: Identifier
    kpi: Identifier
    comparison: Literal["at_least", "at_most"]
    threshold: float
    unit: str
    verdict: Verdict
    explanation: str
    review_overdue: bool = False
    result: KpiResult


class ClauseResult(_Wire):
    """One criterion of a benchmark: what held and by how much it was missed."""

    rule: str
    kpi: str = ""
    level: Literal["redesign", "reimplement", "goal"]
    state: str
    critical: bool = False
    threshold: float
    observed: float | None
    n: int
    explanation: str


class BenchmarkResult(_Wire):
    """A redesign benchmark with its clauses, states before and after, and a sentence for leaders."""

    benchmark: Identifier
    verdict: RedesignVerdict
    draft: bool
    explanation: str
    clauses: tuple[ClauseResult, ...]
    states: dict[str, Any] = Field(default_factory=dict)


class EvaluationRecorded(_Wire):
    """A stored evaluation of one service and period; a late change makes the next ``revision`` of its ``number``."""

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
    changed: tuple[str, ...] = ()

    def key(self) -> bytes:
        """Return the Kafka key: the service."""
        return self.service.encode()
