"""Deliveries: signed, tried again for three days, then the subscription is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evaluation_engine.domain.webhook import headers, wait_after
from evaluation_engine.ports.webhooks import Caller, Delivery, SecretBox, WebhookStore
from evaluation_engine.service.webhooks.desk import UNREADABLE

AT_ONCE = 16
LEASE_S = 60.0
KEPT = timedelta(days=14)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Delivering:
    """Carries out what is due. A crash in between makes a repeat, which its id shows to the receiver."""

    store: WebhookStore
    box: SecretBox
    caller: Caller
    clock: Callable[[], datetime]

    async def round(self) -> int:
        """Deliver what is due, a batch at most; return how many were tried."""
        due = await self.store.claim(self.clock(), LEASE_S, AT_ONCE)
        await asyncio.gather(*(self._deliver(one) for one in due))
        return len(due)

    async def tidy(self) -> None:
        """Let go of messages that nobody will ask for."""
        await self.store.forget(self.clock() - KEPT)

    async def _deliver(self, delivery: Delivery) -> None:
        keys = self._keys(delivery)
        if not keys:
            await self._give_up(delivery, UNREADABLE)
            return
        timestamp = int(self.clock().timestamp())
        signed = headers(keys, delivery.message, timestamp, delivery.payload)
        status, error = await self.caller.post(delivery.webhook.url, delivery.payload, signed)
        if not error:
            await self.store.delivered(delivery, self.clock())
        elif status == _GONE:
            await self._give_up(delivery, "its address says that it is gone (410)")
        else:
            wait = wait_after(delivery.attempts)
            if wait is None:
                await self._give_up(delivery, f"{delivery.attempts} attempts failed, the last one: {error}")
            else:
                await self.store.failed(delivery, error, self.clock() + wait)

    async def _give_up(self, delivery: Delivery, because: str) -> None:
        await self.store.failed(delivery, because, None)
        await self.store.disable(delivery.webhook.id, because, self.clock())

    def _keys(self, delivery: Delivery) -> list[str]:
        now = self.clock()
        valid = (one for one in delivery.webhook.secrets if one.until is None or one.until > now)
        opened = (self.box.open(delivery.webhook.id, one.sealed) for one in valid)
        return [key for key in opened if key is not None]
