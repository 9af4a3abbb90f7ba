"""Webhooks put together: the desk that manages them, and the loop that delivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.errors import CiviloopError
from civiloop_shared.observability import get_logger
from civiloop_shared.outgoing import OutgoingClient
from evaluation_engine.adapters.calling import AesGcmSecretBox, GuardedCaller
from evaluation_engine.adapters.webhooks import PostgresWebhookStore
from evaluation_engine.service.webhooks.delivering import Delivering
from evaluation_engine.service.webhooks.desk import WebhookDesk
from evaluation_engine.settings import EngineSettings

if TYPE_CHECKING:
    from asyncpg import Pool

_EVERY_S = 0.5
_AFTER_ERROR_S = 5.0
_TIDY_EVERY_ROUNDS = 7200
_log = get_logger("civiloop.engine")


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """``delivering`` is None without a key: nothing can be subscribed to, so nothing is due."""

    desk: WebhookDesk
    delivering: Delivering | None

    async def run(self) -> None:
        """Deliver until cancelled."""
        rounds = 0
        while self.delivering is not None:
            try:
                if rounds % _TIDY_EVERY_ROUNDS == 0:
                    await self.delivering.tidy()
                rounds += 1
                if not await self.delivering.round():
                    await asyncio.sleep(_EVERY_S)
            except CiviloopError as error:
                _log.warning("webhooks wait", error=str(error))
                await asyncio.sleep(_AFTER_ERROR_S)
            except Exception:
                _log.exception("delivering webhooks failed and goes on")
                await asyncio.sleep(_AFTER_ERROR_S)


def webhook_parts(pool: Pool[Any], settings: EngineSettings, clock: Callable[[], datetime]) -> WebhookParts:
    """Put the parts together on one database."""
    store, key = PostgresWebhookStore(pool), settings.webhook_key_bytes()
    caller = GuardedCaller(OutgoingClient(allow_private=settings.webhooks_to_private))
    box = AesGcmSecretBox(key) if key is not None else None
    desk = WebhookDesk(store, box, caller, clock)
    return WebhookParts(desk, Delivering(store, box, caller, clock) if box is not None else None)
