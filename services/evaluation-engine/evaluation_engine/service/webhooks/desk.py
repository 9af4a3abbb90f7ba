"""Subscriptions: made, listed, tested, rotated, taken up again, removed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from civiloop_shared.errors import ConflictError, ValidationError, ValidationFault
from evaluation_engine.domain.webhook import KEPT_BESIDE, TEST, WebhookEvent, headers, new_secret
from evaluation_engine.errors import UnknownWebhookError, WebhooksOffError
from evaluation_engine.ports.webhooks import Attempted, Caller, Known, SealedSecret, SecretBox, Webhook, WebhookStore

MOST = 50
SHOWN = 100
UNREADABLE = "its secret can't be read: the key it was sealed with is another one"


@dataclass(frozen=True, slots=True)
class WebhookOrder:
    """A subscription to be made."""

    body: str
    url: str
    events: tuple[WebhookEvent, ...]
    services: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A subscription with a fresh secret, which is shown this once."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test: the status that was answered, None without an answer, and what went wrong, or nothing."""

    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """Where webhooks are managed. Without a box there is no key to keep secrets with, and none can be made."""

    store: WebhookStore
    box: SecretBox | None
    caller: Caller
    clock: Callable[[], datetime]

    async def create(self, order: WebhookOrder) -> MadeWebhook:
        """Make a subscription.

        Raises ``WebhooksOffError``, ``ValidationError`` for the address, ``ConflictError`` when there are too many.
        """
        if self.box is None:
            raise WebhooksOffError
        fault = self.caller.check(order.url)
        if fault is not None:
            raise ValidationError.of(ValidationFault("url", fault))
        identity, secret = f"wh_{secrets.token_hex(10)}", new_secret()
        webhook = Webhook(
            id=identity,
            body=order.body,
            url=order.url,
            events=tuple(sorted(event.value for event in order.events)),
            services=order.services,
            secrets=(SealedSecret(self.box.seal(identity, secret)),),
            created_at=self.clock(),
        )
        if not await self.store.add(webhook, MOST):
            raise ConflictError(f"a body has at most {MOST} webhooks")
        return MadeWebhook(webhook, secret)

    async def list(self, body: str) -> list[Known]:
        """Return the subscriptions of a body, with how their deliveries go."""
        return await self.store.of_body(body)

    async def deliveries(self, webhook: str, body: str) -> Sequence[Attempted]:
        """Return how the newest messages to a subscription stand. Raises ``UnknownWebhookError``."""
        await self._find(webhook, body)
        return await self.store.deliveries(webhook, SHOWN)

    async def test(self, webhook: str, body: str) -> Tested:
        """Send a signed message of the type `webhook.test` now, once, and return what came of it.

        Raises ``UnknownWebhookError``, ``WebhooksOffError``.
        """
        if self.box is None:
            raise WebhooksOffError
        found, now = await self._find(webhook, body), self.clock()
        secret = self.box.open(webhook, found.secrets[0].sealed)
        if secret is None:
            return Tested(None, UNREADABLE)
        payload = json.dumps({"type": TEST, "timestamp": now.isoformat(), "data": {"webhook": webhook}}).encode()
        message = f"msg_{secrets.token_hex(16)}"
        return Tested(
            *await self.caller.post(found.url, payload, headers([secret], message, int(now.timestamp()), payload))
        )

    async def rotate(self, webhook: str, body: str) -> MadeWebhook:
        """Give a subscription a new secret; the one before signs beside it for a day.

        Raises ``UnknownWebhookError``, ``WebhooksOffError``.
        """
        if self.box is None:
            raise WebhooksOffError
        found = await self._find(webhook, body)
        secret, now = new_secret(), self.clock()
        fresh = SealedSecret(self.box.seal(webhook, secret))
        rotated = replace(found, secrets=(fresh, replace(found.secrets[0], until=now + KEPT_BESIDE)))
        await self.store.change_secrets(rotated)
        return MadeWebhook(rotated, secret)

    async def enable(self, webhook: str, body: str) -> Webhook:
        """Take a stopped subscription up again, with what still waits for it. Raises ``UnknownWebhookError``."""
        if not await self.store.enable(webhook, body, self.clock()):
            raise UnknownWebhookError
        return await self._find(webhook, body)

    async def remove(self, webhook: str, body: str) -> None:
        """Forget a subscription. Raises ``UnknownWebhookError``."""
        if not await self.store.remove(webhook, body):
            raise UnknownWebhookError

    async def _find(self, webhook: str, body: str) -> Webhook:
        found = next((one.webhook for one in await self.store.of_body(body) if one.webhook.id == webhook), None)
        if found is None:
            raise UnknownWebhookError
        return found
