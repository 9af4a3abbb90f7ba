"""Feedback as it comes in JSON, and how it is read."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from civiloop_shared.contracts.feedback import MAX_ANSWERS, MAX_COMMENT, AnswerValue, Choices, FeedbackKind, TaskDone
from civiloop_shared.contracts.values import Channel, EventId, EventSource, Identifier, Instant, Label, LanguageTag
from civiloop_shared.edge.faults import parse_model
from feedback_api.domain.feedback import Submission

MAX_ITEMS = 1_000

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc_3339(value: Any) -> Any:
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise ValueError("must be a date and time with its offset, as in 2026-11-24T09:30:00+02:00")
    return value


TextInstant = Annotated[Instant, BeforeValidator(_rfc_3339, json_schema_input_type=str)]
"""An instant that is written as RFC 3339, never as a number."""


class FeedbackItem(BaseModel):
    """One answer set. Leave out what was not asked or not answered; at least one answer has to be there."""

    model_config = ConfigDict(extra="forbid")

    id: EventId | None = Field(None, description="Yours; makes a retry safe. Unique for its source.")
    source: EventSource | None = Field(None, description="Who gave the id; default: your key.")
    service: Identifier
    channel: Channel
    kind: FeedbackKind = Field(
        FeedbackKind.ANSWER, description="A complaint asks for a reply or a remedy; it has no scores and no answers."
    )
    rating: Annotated[int, Field(strict=True, ge=1, le=5)] | None = Field(None, description="1 (bad) to 5 (good).")
    nps: Annotated[int, Field(strict=True, ge=0, le=10)] | None = Field(None, description="Would you recommend it?")
    effort: Annotated[int, Field(strict=True, ge=1, le=7)] | None = Field(None, description="How easy was it?")
    task_done: TaskDone | None = None
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT)] | None = None
    language: LanguageTag | None = None
    step: Label | None = None
    page: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    journey_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    occurred_at: TextInstant | None = Field(None, description="When it was said; default: now.")
    assisted_digital: Annotated[bool, Field(strict=True)] = False
    segments: dict[Identifier, Label] = Field(default_factory=dict, max_length=10)
    answers: dict[Identifier, AnswerValue] = Field(
        default_factory=dict,
        max_length=MAX_ANSWERS,
        description="Answers to the questions that the service declares, by the id of the question.",
    )
    offered: dict[Identifier, Choices] = Field(
        default_factory=dict,
        max_length=MAX_ANSWERS,
        description="What could be ticked, where that was not every choice of the question.",
    )
    contact: Annotated[str, StringConstraints(min_length=1, max_length=320)] | None = Field(
        None, description="How to reach the person. Encrypted here, and never leaves this service."
    )


class FeedbackBatch(BaseModel):
    """Up to 1,000 answer sets. ``observed_until`` marks an import, whose answers may be of any age."""

    model_config = ConfigDict(extra="forbid")

    observed_until: TextInstant | None = None
    items: Annotated[list[FeedbackItem], Field(min_length=1, max_length=MAX_ITEMS)]


class BatchFrame(BaseModel):
    """A batch before its items are read, each for itself."""

    model_config = ConfigDict(extra="forbid")

    observed_until: TextInstant | None = None
    items: Annotated[list[Any], Field(min_length=1, max_length=MAX_ITEMS)]


def read_item(value: Any, prefix: str = "") -> Submission:
    """Read one answer set. Raises ``ValidationError``, its fields under ``prefix``."""
    fields = parse_model(FeedbackItem, value, prefix).__dict__
    comment = fields["comment"]
    if comment is not None:
        fields = {**fields, "comment": comment.strip() or None}
    return Submission(**fields)
