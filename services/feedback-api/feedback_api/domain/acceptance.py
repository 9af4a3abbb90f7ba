"""Which submissions are taken: the rules that need to know the service and the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.errors import ValidationFault
from feedback_api.domain.feedback import Submission
from feedback_api.domain.questions import question_faults

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of our clock a client's clock may be."""


def faults_of(
    submission: Submission, service: ServiceDefined, *, now: datetime, observed_until: datetime | None = None
) -> tuple[ValidationFault, ...]:
    """Return what is wrong with a submission. ``observed_until`` marks an import, which may be of any age."""
    return (
        *_channel_faults(submission, service),
        *_segment_faults(submission, service),
        *_time_faults(submission, service, now, observed_until),
        *_answer_faults(submission),
        *question_faults(submission, service),
    )


def faults_of_observed_until(observed_until: datetime, now: datetime) -> tuple[ValidationFault, ...]:
    """Return what is wrong with the end of an import's observation."""
    if observed_until > now + CLOCK_SKEW:
        return (ValidationFault("observed_until", "is in the future"),)
    return ()


def _channel_faults(submission: Submission, service: ServiceDefined) -> Iterator[ValidationFault]:
    if submission.channel not in service.channels:
        yield ValidationFault("channel", f"is not a channel of this service: {', '.join(service.channels)}")


def _segment_faults(submission: Submission, service: ServiceDefined) -> Iterator[ValidationFault]:
    for name, value in submission.segments.items():
        declared = service.segments.get(name)
        if declared is None:
            yield ValidationFault(f"segments.{name}", "is not a segment that this service declares")
        elif value not in declared:
            yield ValidationFault(f"segments.{name}", f"is none of its declared values: {', '.join(declared)}")


def _time_faults(
    submission: Submission, service: ServiceDefined, now: datetime, observed_until: datetime | None
) -> Iterator[ValidationFault]:
    occurred_at = submission.occurred_at
    if occurred_at is None:
        if observed_until is not None:
            yield ValidationFault("occurred_at", "is required in an import (a batch with observed_until)")
    elif occurred_at > now + CLOCK_SKEW:
        yield ValidationFault("occurred_at", "is in the future")
    elif observed_until is not None:
        if occurred_at > observed_until:
            yield ValidationFault("occurred_at", "is after observed_until")
    elif occurred_at < now - timedelta(days=service.oldest_event_days):
        days = service.oldest_event_days
        reason = f"is older than {days} days; send older feedback as an import, a batch with observed_until"
        yield ValidationFault("occurred_at", reason)


def _answer_faults(submission: Submission) -> Iterator[ValidationFault]:
    if submission.complains:
        for name in submission.scores():
            yield ValidationFault(name, "is no part of a complaint; send answers to questions as feedback of their own")
    if not submission.says_something():
        yield ValidationFault("rating", "answer at least one of rating, nps, effort, task_done, comment, answers")
