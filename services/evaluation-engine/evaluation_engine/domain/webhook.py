"""Webhooks by the Standard Webhooks specification 1.0: id, timestamp, signature; when to try again; what there is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

PREFIX = "whsec_"
_SECRET_BYTES = 32
KEPT_BESIDE = timedelta(hours=24)
"""How long the old key signs beside the new one after a rotation."""

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Waits after each failed attempt: ten attempts within a bit more than three days, as the specification advises."""


class WebhookEvent(StrEnum):
    """What can be subscribed to."""

    EVALUATION_RECORDED = "evaluation.recorded"
    PROBLEM_OPENED = "problem.opened"
    PROBLEM_CLOSED = "problem.closed"


TEST = "webhook.test"
"""The type of the message that a test sends; nobody subscribes to it."""


def new_secret() -> str:
    """Return a fresh secret of 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def message_id(event: WebhookEvent, subject: str) -> str:
    """Return the id of the message about a subject: the same subject has the same one, so repeats are known."""
    return f"msg_{hashlib.blake2b(f'{event.value} {subject}'.encode(), digest_size=16).hexdigest()}"


def signature(secret: str, identity: str, timestamp: int, payload: bytes) -> str:
    """Return one signature: ``v1,`` and the HMAC-SHA256 of id, timestamp and payload, each divided by a full stop."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{identity}.{timestamp}.".encode() + payload
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def headers(keys: Iterable[str], identity: str, timestamp: int, payload: bytes) -> dict[str, str]:
    """Return the headers of a delivery, signed with every key that is valid now."""
    return {
        "content-type": "application/json",
        "user-agent": "civiloop-webhooks/1",
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, identity, timestamp, payload) for key in keys),
    }


def wait_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many failed attempts; None when it is given up."""
    return DELAYS[attempts - 1] if attempts <= len(DELAYS) else None
