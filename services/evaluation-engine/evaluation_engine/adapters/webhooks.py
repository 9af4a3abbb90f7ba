"""Webhook subscriptions and deliveries in PostgreSQL."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.domain.webhook import WebhookEvent, message_id
from evaluation_engine.ports.webhooks import Attempted, Backlog, Delivery, Known, SealedSecret, Webhook

if TYPE_CHECKING:
    from asyncpg import Pool, Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_ENQUEUE = """
    WITH subscriber AS (
        SELECT id FROM evaluation.webhook
         WHERE body_id = $1 AND disabled_at IS NULL AND $3 = ANY(events) AND (services IS NULL OR $2 = ANY(services))
    ), message AS (
        INSERT INTO evaluation.webhook_message (id, payload) SELECT $4, $5 WHERE EXISTS (SELECT FROM subscriber)
        ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO evaluation.webhook_delivery (webhook_id, message_id)
    SELECT subscriber.id, message.id FROM subscriber, message
"""
_CLAIM = """
    UPDATE evaluation.webhook_delivery AS d
       SET attempts = d.attempts + 1, next_attempt_at = $1::timestamptz + $2::interval
      FROM evaluation.webhook w, evaluation.webhook_message m
     WHERE w.id = d.webhook_id AND m.id = d.message_id AND (d.webhook_id, d.message_id) IN (
            SELECT one.webhook_id, one.message_id FROM evaluation.webhook_delivery one
              JOIN evaluation.webhook of_one ON of_one.id = one.webhook_id AND of_one.disabled_at IS NULL
             WHERE one.next_attempt_at <= $1 ORDER BY one.next_attempt_at LIMIT $3 FOR UPDATE OF one SKIP LOCKED)
    RETURNING w.*, d.message_id, d.attempts, m.payload
"""
_OF_BODY = """
    SELECT w.*, (SELECT count(*) FROM evaluation.webhook_delivery d
                  WHERE d.webhook_id = w.id AND d.next_attempt_at IS NOT NULL) AS waiting,
           (SELECT max(delivered_at) FROM evaluation.webhook_delivery d WHERE d.webhook_id = w.id) AS last_delivered,
           (SELECT error FROM evaluation.webhook_delivery d WHERE d.webhook_id = w.id AND d.error IS NOT NULL
             ORDER BY d.created_at DESC LIMIT 1) AS last_error
      FROM evaluation.webhook w WHERE w.body_id = $1 ORDER BY w.created_at, w.id
"""
_DELIVERIES = """
    SELECT d.message_id, convert_from(m.payload, 'UTF8')::json ->> 'type', d.created_at, d.attempts, d.delivered_at,
           d.next_attempt_at, d.error
      FROM evaluation.webhook_delivery d JOIN evaluation.webhook_message m ON m.id = d.message_id
     WHERE d.webhook_id = $1 ORDER BY d.created_at DESC, d.message_id LIMIT $2
"""
_BACKLOG = """
    SELECT count(d.created_at), count(*) FILTER (WHERE d.error IS NOT NULL), min(d.created_at),
           (SELECT count(*) FROM evaluation.webhook WHERE disabled_at IS NOT NULL)
      FROM evaluation.webhook_delivery d JOIN evaluation.webhook w ON w.id = d.webhook_id AND w.disabled_at IS NULL
     WHERE d.next_attempt_at IS NOT NULL
"""


async def enqueue(
    connection: AsyncpgConnection,
    event: WebhookEvent,
    *,
    body: str,
    service: str,
    subject: str,
    at: datetime,
    data: Any,
) -> None:
    """Append a message for all who subscribed to it, in the transaction of ``connection``."""
    payload = orjson.dumps({"type": event.value, "timestamp": at, "data": data})
    await connection.execute(_ENQUEUE, body, service, event.value, message_id(event, subject), payload)


class PostgresWebhookStore:
    """Implements ``WebhookStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def add(self, webhook: Webhook, most: int) -> bool:
        """Store a subscription; False when the body has that many already."""
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('webhook'), hashtext($1))", webhook.body)
            count = await connection.fetchval(
                "SELECT count(*) FROM evaluation.webhook WHERE body_id = $1", webhook.body
            )
            if count >= most:
                return False
            await connection.execute(
                "INSERT INTO evaluation.webhook (id, body_id, url, events, services, secrets, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                *(webhook.id, webhook.body, webhook.url, list(webhook.events)),
                *(list(webhook.services) if webhook.services else None, _secrets(webhook.secrets), webhook.created_at),
            )
        return True

    async def of_body(self, body: str) -> list[Known]:
        """Return the subscriptions of a body, oldest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_OF_BODY, body)
        return [Known(_webhook(row), row["waiting"], row["last_delivered"], row["last_error"]) for row in rows]

    async def deliveries(self, webhook: str, limit: int) -> list[Attempted]:
        """Return how the newest messages to a subscription stand."""
        async with acquire(self._pool) as connection:
            return [Attempted(*row) for row in await connection.fetch(_DELIVERIES, webhook, limit)]

    async def backlog(self) -> Backlog:
        """Return what waits, over all bodies."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(_BACKLOG)
        assert row is not None
        return Backlog(*row)

    async def remove(self, webhook: str, body: str) -> bool:
        """Forget a subscription with all that waits for it; False when there is none."""
        return await self._touched("DELETE FROM evaluation.webhook WHERE id = $1 AND body_id = $2", webhook, body)

    async def change_secrets(self, webhook: Webhook) -> None:
        """Store the secrets of a subscription."""
        await self._touched(
            "UPDATE evaluation.webhook SET secrets = $2 WHERE id = $1", webhook.id, _secrets(webhook.secrets)
        )

    async def enable(self, webhook: str, body: str, now: datetime) -> bool:
        """Take a subscription up again, with what still waits for it; False when there is none."""
        async with transaction(self._pool) as connection:
            done = await connection.execute(
                "UPDATE evaluation.webhook SET disabled_at = NULL, disabled_because = NULL"
                " WHERE id = $1 AND body_id = $2",
                *(webhook, body),
            )
            await connection.execute(
                "UPDATE evaluation.webhook_delivery SET attempts = 0, next_attempt_at = $2"
                " WHERE webhook_id = $1 AND delivered_at IS NULL",
                *(webhook, now),
            )
        return bool(done != "UPDATE 0")

    async def claim(self, now: datetime, lease_s: float, limit: int) -> list[Delivery]:
        """Take deliveries that are due and let nobody else have them until the lease is over."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_CLAIM, now, timedelta(seconds=lease_s), limit)
        return [Delivery(_webhook(row), row["message_id"], row["payload"], row["attempts"]) for row in rows]

    async def delivered(self, delivery: Delivery, now: datetime) -> None:
        """Note that a delivery has arrived."""
        await self._touched(
            "UPDATE evaluation.webhook_delivery SET delivered_at = $3, next_attempt_at = NULL, error = NULL"
            " WHERE webhook_id = $1 AND message_id = $2",
            *(delivery.webhook.id, delivery.message, now),
        )

    async def failed(self, delivery: Delivery, error: str, again_at: datetime | None) -> None:
        """Note that an attempt failed and when it is tried again; None gives up."""
        await self._touched(
            "UPDATE evaluation.webhook_delivery SET error = $3, next_attempt_at = $4"
            " WHERE webhook_id = $1 AND message_id = $2",
            *(delivery.webhook.id, delivery.message, error, again_at),
        )

    async def disable(self, webhook: str, because: str, now: datetime) -> None:
        """Stop a subscription."""
        await self._touched(
            "UPDATE evaluation.webhook SET disabled_at = $3, disabled_because = $2"
            " WHERE id = $1 AND disabled_at IS NULL",
            *(webhook, because, now),
        )

    async def forget(self, before: datetime) -> None:
        """Let go of messages from before then."""
        await self._touched("DELETE FROM evaluation.webhook_message WHERE created_at < $1", before)

    async def _touched(self, statement: str, *arguments: Any) -> bool:
        async with acquire(self._pool) as connection:
            done: str = await connection.execute(statement, *arguments)
        return not done.endswith(" 0")


def _webhook(row: Record) -> Webhook:
    return Webhook(
        id=row["id"],
        body=row["body_id"],
        url=row["url"],
        events=tuple(row["events"]),
        services=tuple(row["services"]) if row["services"] is not None else None,
        secrets=tuple(
            SealedSecret(
                base64.b64decode(one["sealed"]), datetime.fromisoformat(one["until"]) if one["until"] else None
            )
            for one in orjson.loads(row["secrets"])
        ),
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        disabled_because=row["disabled_because"],
    )


def _secrets(secrets: Sequence[SealedSecret]) -> str:
    stored = [{"sealed": base64.b64encode(one.sealed).decode(), "until": one.until} for one in secrets]
    return orjson.dumps(stored).decode()
