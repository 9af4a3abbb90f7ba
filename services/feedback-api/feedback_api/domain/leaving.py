"""What leaves this service for Kafka: masked, without contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from civiloop_shared.contracts.feedback import MAX_COMMENT
from feedback_api.domain.feedback import Identified
from feedback_api.domain.masking import mask

_FRAME = ("feedback_id", "service", "channel", "occurred_at")

_LONGEST = {"comment": MAX_COMMENT, "step": 100, "page": 500}
"""Free text, and how much of it the contract takes: a mask can be longer than what it hides."""


def received(
    feedback: Identified,
    *,
    occurred_at: datetime,
    offered: Mapping[str, Sequence[str]] | None = None,
    quarantined: bool = False,
) -> dict[str, Any]:
    """Return the payload of ``FeedbackReceived``. Free text is masked; fields without a value are left out.

    ``offered`` is what the person could tick, also where the client left that out.
    """
    submission = feedback.submission
    payload: dict[str, Any] = {
        "feedback_id": feedback.feedback_id,
        "service": submission.service,
        "channel": submission.channel,
        "occurred_at": utc_text(occurred_at),
        **submission.said(),
    }
    if offered:
        payload["offered"] = offered
    for name, longest in _LONGEST.items():
        text = payload.get(name)
        if text is not None:
            payload[name] = mask(text)[:longest]
    if quarantined:
        payload["quarantined"] = True
    return payload


def emptied(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a feedback that was erased before it left: its frame and nothing that was said.

    It still has to travel, so that what was taken in and what was counted and erased add up in every ledger.
    """
    return {name: payload[name] for name in _FRAME}


def erased(feedback_id: str, service: str, *, erased_at: datetime) -> dict[str, Any]:
    """Return the payload of ``FeedbackErased``."""
    return {"feedback_id": feedback_id, "service": service, "erased_at": utc_text(erased_at), "reason": "requested"}


def utc_text(instant: datetime) -> str:
    """Return RFC 3339 in UTC with a ``Z``."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
