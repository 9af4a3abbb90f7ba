"""Webhooks over HTTP: subscribed to, listed, tested, rotated, taken up again, removed by an admin of the body."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from civiloop_shared.contracts.catalogue import Scope
from civiloop_shared.contracts.values import Identifier
from civiloop_shared.edge import KIB, MANAGE, CurrentPrincipal, EdgeRouter, RoutePolicy, json_response
from civiloop_shared.errors import CiviloopError, ConflictError
from evaluation_engine.api.state import Webhooks
from evaluation_engine.domain.webhook import WebhookEvent
from evaluation_engine.errors import UnknownWebhookError, WebhooksOffError
from evaluation_engine.ports.webhooks import Known, Webhook
from evaluation_engine.service.webhooks.desk import MadeWebhook, WebhookOrder

router = EdgeRouter(prefix="/v1", tags=["webhooks"])

WebhookId = Annotated[str, Path(pattern=r"^wh_[0-9a-f]{20}$")]
_EXAMPLE = {"url": "https://hooks.example.org/civiloop", "events": ["evaluation.recorded", "problem.opened"]}
_DELIVERY = {
    "message": "msg_5f0e",
    "event": "evaluation.recorded",
    "created_at": "2026-11-01T06:00:00+00:00",
    "attempts": 2,
    "delivered_at": None,
    "next_attempt_at": "2026-11-01T06:05:00+00:00",
    "error": "answered 500",
}
_TEST_S = 30.0
"""Longer than a call to an address may take."""


class WebhookIn(BaseModel):
    """A subscription to be made. ``services`` limits it to some services of the body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]
    events: Annotated[frozenset[WebhookEvent], Field(min_length=1)]
    services: Annotated[frozenset[Identifier], Field(min_length=1, max_length=500)] | None = None


def _manage(example: Any, *errors: type[CiviloopError], body_cap: int = 0, timeout: float = 5.0) -> RoutePolicy:
    return RoutePolicy(
        permission=Scope.ADMIN, limit=MANAGE, body_cap=body_cap, timeout=timeout, example=example, errors=errors
    )


@router.post("/webhooks", status_code=201, policy=_manage(_EXAMPLE, WebhooksOffError, ConflictError, body_cap=64 * KIB))
async def create_webhook(order: WebhookIn, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Subscribe an address. The secret that signs its messages is in this answer and nowhere else."""
    wanted = WebhookOrder(
        body=principal.body,
        url=order.url,
        events=tuple(order.events),
        services=tuple(sorted(order.services)) if order.services else None,
    )
    return json_response(_made(await webhooks.create(wanted)), status_code=201)


@router.get("/webhooks", policy=_manage({"webhooks": [_EXAMPLE]}))
async def list_webhooks(webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Return the webhooks of the body with what waits, when one arrived last, and why one was stopped."""
    return json_response({"webhooks": [_known(one) for one in await webhooks.list(principal.body)]})


@router.get("/webhooks/{webhook_id}/deliveries", policy=_manage({"deliveries": [_DELIVERY]}, UnknownWebhookError))
async def list_deliveries(webhook_id: WebhookId, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Return how the newest 100 messages to a webhook stand; messages are kept for 14 days."""
    found = await webhooks.deliveries(webhook_id, principal.body)
    return json_response({"deliveries": [asdict(one) for one in found]})


@router.post("/webhooks/{webhook_id}/test", policy=_manage({}, UnknownWebhookError, WebhooksOffError, timeout=_TEST_S))
async def try_webhook(webhook_id: WebhookId, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Send a signed message of the type `webhook.test` once, now; return the status that was answered or the error."""
    tested = await webhooks.test(webhook_id, principal.body)
    return json_response({"delivered": not tested.error, "status": tested.status, "error": tested.error or None})


@router.post("/webhooks/{webhook_id}/rotate", policy=_manage({}, UnknownWebhookError, WebhooksOffError))
async def rotate_webhook(webhook_id: WebhookId, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Make a new secret, shown in this answer only; messages are signed with the old one too for 24 hours."""
    return json_response(_made(await webhooks.rotate(webhook_id, principal.body)))


@router.post("/webhooks/{webhook_id}/enable", policy=_manage({}, UnknownWebhookError))
async def enable_webhook(webhook_id: WebhookId, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Take a webhook up again that was stopped; what still waits for it is delivered."""
    return json_response(_shown(await webhooks.enable(webhook_id, principal.body)))


@router.delete("/webhooks/{webhook_id}", status_code=204, policy=_manage({}, UnknownWebhookError))
async def remove_webhook(webhook_id: WebhookId, webhooks: Webhooks, principal: CurrentPrincipal) -> Response:
    """Remove a webhook with everything that waits for it."""
    await webhooks.remove(webhook_id, principal.body)
    return Response(status_code=204)


def _made(made: MadeWebhook) -> dict[str, Any]:
    return {**_shown(made.webhook), "secret": made.secret}


def _known(known: Known) -> dict[str, Any]:
    return {
        **_shown(known.webhook),
        "waiting": known.waiting,
        "delivered_at": known.delivered_at,
        "last_error": known.last_error,
    }


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "services": list(webhook.services) if webhook.services is not None else None,
        "created_at": webhook.created_at,
        "disabled_at": webhook.disabled_at,
        "disabled_because": webhook.disabled_because,
        "old_secret_until": webhook.secrets[1].until if len(webhook.secrets) > 1 else None,
    }
