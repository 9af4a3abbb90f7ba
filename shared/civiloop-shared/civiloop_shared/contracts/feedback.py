"""Feedback as it travels on ``feedback.received``: scrubbed, without contact."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from civiloop_shared.contracts.topics import FEEDBACK, Topic
from civiloop_shared.contracts.values import Channel, Choice, Identifier, Instant, Label, LanguageTag

FeedbackId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Hex of ``event_key(body, source, id)``."""

MAX_COMMENT = 5000
MAX_ANSWERS = 30
MAX_CHOICES = 30

Choices = Annotated[list[Choice], Field(max_length=MAX_CHOICES)]
AnswerValue = Annotated[int, Field(strict=True, ge=0, le=100)] | Choice | Choices
"""Answer to a question of the service: a number of its scale, one choice, or all choices that were ticked."""


class TaskDone(StrEnum):
    """Answer to "were you able to do what you came for?"."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class FeedbackKind(StrEnum):
    """Whether people answered questions, or complained: a complaint is no answer, and has no scores."""

    ANSWER = "answer"
    COMPLAINT = "complaint"


class FeedbackReceived(BaseModel):
    """One answer set, or a complaint. A question that was not answered is ``None``, never 0."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = FEEDBACK
    TYPE: ClassVar[str] = "civiloop.feedback.received.v1"

    feedback_id: FeedbackId
    service: Identifier
    channel: Channel
    occurred_at: Instant
    kind: FeedbackKind = FeedbackKind.ANSWER
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    nps: Annotated[int, Field(ge=0, le=10)] | None = None
    effort: Annotated[int, Field(ge=1, le=7)] | None = None
    task_done: TaskDone | None = None
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT)] | None = None
    language: LanguageTag | None = None
    step: Label | None = None
    page: Annotated[str, StringConstraints(max_length=500)] | None = None
    journey_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    assisted_digital: bool = False
    segments: dict[Identifier, Label] = Field(default_factory=dict, max_length=10)
    answers: dict[Identifier, AnswerValue] = Field(default_factory=dict, max_length=MAX_ANSWERS)
    offered: dict[Identifier, Choices] = Field(
        default_factory=dict,
        max_length=MAX_ANSWERS,
        description="What a person could tick, for each answer of several choices: what was not offered is no answer.",
    )
    quarantined: bool = False

    def key(self) -> bytes:
        """Return the Kafka key: all events of one feedback meet on one partition."""
        return self.feedback_id.encode()


class FeedbackErased(BaseModel):
    """The person took the feedback back: every place that holds it lets it go."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = FEEDBACK
    TYPE: ClassVar[str] = "civiloop.feedback.erased.v1"

    feedback_id: FeedbackId
    service: Identifier
    erased_at: Instant
    reason: Literal["requested", "retention"] = "requested"

    def key(self) -> bytes:
        """Return the key of the feedback that is erased."""
        return self.feedback_id.encode()
