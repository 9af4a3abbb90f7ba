"""Where subscriptions and their deliveries are kept, and who carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret as it is stored. ``until`` is set on an old one that still signs for a while."""

    sealed: bytes
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription. ``services`` None means all of the body."""

    id: str
    body: str
    url: str
    events: tuple[str, ...]
    services: tuple[str, ...] | None
    secrets: tuple[SealedSecret, ...]
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_because: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A subscription with how its deliveries go."""

    webhook: Webhook
    waiting: int
    delivered_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that is due at one subscription; ``attempts`` counts this one."""

    webhook: Webhook
    message: str
    payload: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempted:
    """How the delivery of one message to one subscription stands. ``next_attempt_at`` None: there will be no other."""

    message: str
    event: str
    created_at: datetime
    attempts: int
    delivered_at: datetime | None
    next_attempt_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for running subscriptions, since when at the longest, what failed already, and what was stopped."""

    waiting: int
    failing: int
    oldest_at: datetime | None
    stopped: int


class SecretBox(Protocol):
    """Seals secrets; the id of the webhook is bound to each."""

    def seal(self, webhook: str, secret: str) -> bytes:
        """Return what may be stored."""

    def open(self, webhook: str, sealed: bytes) -> str | None:
        """Return the secret; None when it was sealed with another key."""


class Caller(Protocol):
    """Posts to addresses that others chose."""

    def check(self, url: str) -> str | None:
        """Return why an address can't be subscribed, or None."""

    async def post(self, url: str, payload: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """Return the status and what went wrong; without an answer the status is None."""


class WebhookStore(Protocol):
    """Keeps subscriptions and deliveries. Messages get in with the transaction that they tell of."""

    async def add(self, webhook: Webhook, most: int) -> bool:
        """Store a subscription; False when the body has that many already."""

    async def of_body(self, body: str) -> list[Known]:
        """Return the subscriptions of a body, oldest first."""

    async def deliveries(self, webhook: str, limit: int) -> list[Attempted]:
        """Return how the newest messages to a subscription stand, newest first."""

    async def backlog(self) -> Backlog:
        """Return what waits, over all bodies."""

    async def remove(self, webhook: str, body: str) -> bool:
        """Forget a subscription with all that waits for it; False when there is none."""

    async def change_secrets(self, webhook: Webhook) -> None:
        """Store the secrets of a subscription."""

    async def enable(self, webhook: str, body: str, now: datetime) -> bool:
        """Take a subscription up again, with what still waits for it; False when there is none."""

    async def claim(self, now: datetime, lease_s: float, limit: int) -> list[Delivery]:
        """Take deliveries that are due and let nobody else have them until the lease is over."""

    async def delivered(self, delivery: Delivery, now: datetime) -> None:
        """Note that a delivery has arrived."""

    async def failed(self, delivery: Delivery, error: str, again_at: datetime | None) -> None:
        """Note that an attempt failed and when it is tried again; None gives up."""

    async def disable(self, webhook: str, because: str, now: datetime) -> None:
        """Stop a subscription."""

    async def forget(self, before: datetime) -> None:
        """Let go of messages from before then."""
