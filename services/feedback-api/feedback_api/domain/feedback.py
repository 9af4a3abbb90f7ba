"""One answer set, from what was sent to what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from civiloop_shared.contracts.feedback import FeedbackKind, FeedbackReceived, TaskDone
from civiloop_shared.contracts.identity import event_key, payload_hash
from civiloop_shared.contracts.values import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a client sent, field by field. A question that was not answered is None."""

    service: str
    channel: Channel
    id: str | None = None
    source: str | None = None
    kind: FeedbackKind = FeedbackKind.ANSWER
    rating: int | None = None
    nps: int | None = None
    effort: int | None = None
    task_done: TaskDone | None = None
    comment: str | None = None
    language: str | None = None
    step: str | None = None
    page: str | None = None
    journey_id: str | None = None
    occurred_at: datetime | None = None
    assisted_digital: bool = False
    segments: dict[str, str] = field(default_factory=dict)
    answers: dict[str, int | str | list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    contact: str | None = None

    def said(self) -> dict[str, Any]:
        """Return what was said, without what says where and when, and without the contact."""
        given = {
            "kind": FeedbackKind.COMPLAINT if self.complains else None,
            "rating": self.rating,
            "nps": self.nps,
            "effort": self.effort,
            "task_done": self.task_done,
            "comment": self.comment,
            "language": self.language,
            "step": self.step,
            "page": self.page,
            "journey_id": self.journey_id,
            "assisted_digital": self.assisted_digital or None,
            "segments": self.segments or None,
            "answers": self.answers or None,
            "offered": self.offered or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def complains(self) -> bool:
        """Whether it is a complaint."""
        return self.kind is FeedbackKind.COMPLAINT

    def scores(self) -> tuple[str, ...]:
        """Return the names of the questions that are answered, other than the free text."""
        fixed = ("rating", "nps", "effort", "task_done")
        return tuple(name for name in fixed if getattr(self, name) is not None) + (("answers",) if self.answers else ())

    def says_something(self) -> bool:
        """Say whether at least one question is answered, or it complains."""
        return self.complains or self.comment is not None or bool(self.scores())


@dataclass(frozen=True, slots=True)
class Identified:
    """A submission that has an identity. ``key`` is ``event_key(body, source, id)``."""

    submission: Submission
    body: str
    id: str
    source: str
    key: bytes

    @property
    def feedback_id(self) -> str:
        """The key as hex, the name of this feedback in all other services."""
        return self.key.hex()


def identify(submission: Submission, *, body: str, default_source: str, new_id: str) -> Identified:
    """Give a submission its identity: its own id and source, or these."""
    event_id = submission.id or new_id
    source = submission.source or default_source
    return Identified(submission, body, event_id, source, event_key(body, source, event_id))


def content_hash(submission: Submission) -> int:
    """Return the hash by which a retry is told from another feedback under the same id.

    It covers what the client said and nothing that we add, so a retry without ``occurred_at`` hashes alike.
    """
    return payload_hash(
        FeedbackReceived.TYPE,
        {
            "service": submission.service,
            "channel": submission.channel,
            "occurred_at": submission.occurred_at and submission.occurred_at.astimezone(UTC),
            "contact": submission.contact,
            **submission.said(),
        },
    )
