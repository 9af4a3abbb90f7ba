"""What is kept of journeys, answers and measurements: enough to compute their contribution again, to the unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.contribution.answers import Answer
from evaluation_engine.domain.contribution.measurements import Measurement
from evaluation_engine.domain.journey import JourneyEvent

AnswerState = Literal["counted", "quarantined", "erased"]


@dataclass(slots=True)
class JourneyFact:
    """One journey: its set of events, in order.

    ``context_id`` is set once a start is known; ``silenced`` says that its contribution counts it as abandoned by
    silence. ``is_new`` is True until it is stored.
    """

    key: bytes
    partition: int
    body: str
    journey_id: str
    events: list[JourneyEvent] = field(default_factory=list)
    service: str | None = None
    context_id: int | None = None
    silenced: bool = False
    started_at_ms: int | None = None
    observed_until_ms: int | None = None
    silence_due_at_ms: int | None = None
    is_new: bool = True


@dataclass(slots=True)
class AnswerFact:
    """One answer set. ``content`` is None once it is erased, or when only its erasure was seen so far."""

    key: bytes
    partition: int
    body: str
    service: str
    state: AnswerState
    first_outcome: AnswerState | None = None
    erasures: int = 0
    received_day: date | None = None
    payload_hash: int | None = None
    context_id: int | None = None
    content: AnswerContent | None = None


@dataclass(frozen=True, slots=True)
class AnswerContent:
    """What a person said, scrubbed: the counted part, the words, and what they are about.

    ``record`` is made once, when the answer is counted: what it added to the aggregates is taken out by it.
    """

    answer: Answer
    comment: str | None = None
    page: str | None = None
    journey_id: str | None = None
    record: CommentRecord | None = None


@dataclass(slots=True)
class PeriodFact:
    """The measurement that stands for one service, name, channel and period."""

    key: bytes
    partition: int
    body: str
    measurement: Measurement
    kind: str
    unit: str
    recorded_at_ms: int
    event_key: bytes
    context_id: int
    days: int
    records: int
