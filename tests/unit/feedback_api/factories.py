"""Things that tests of feedback-api need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.values import Channel
from feedback_api.domain.feedback import Submission

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def make_submission(**overrides: Any) -> Submission:
    """A submission that is taken."""
    return Submission(**{"service": "building-permit", "channel": Channel.WEB, "rating": 4, **overrides})


def make_service(**overrides: Any) -> ServiceDefined:
    """A service with two channels and one segment."""
    return ServiceDefined(
        **{
            "id": "building-permit",
            "body": "city",
            "version": 1,
            "title": {"en": "Building permit"},
            "channels": (Channel.WEB, Channel.PHONE),
            "segments": {"age": ("18-25", "26-60")},
            **overrides,
        }
    )
