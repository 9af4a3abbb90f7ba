"""GET and DELETE /v1/receipts/{receipt}: for the people who gave feedback, without a key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BaseModel
from starlette.responses import Response

from civiloop_shared.edge.policy import PUBLIC, Limit, RoutePolicy
from civiloop_shared.edge.responses import json_response
from civiloop_shared.edge.router import EdgeRouter
from civiloop_shared.errors import NotFoundError
from civiloop_shared.observability import current_trace
from feedback_api.ports import Tally
from feedback_api.service.receipts import EraseFeedback, Held, ShowReceipt

RECEIPTS: Final = Limit("receipts", per_second=20, burst=200)
"""Receipts can't be guessed (160 bits); this only bounds the work that strangers can cause."""

_TEXT = Annotated[str, Path(description="As given when the feedback was taken.", max_length=64)]
_GONE_DAYS = 14
_BACKUP_DAYS = 35


class ReceiptAnswer(BaseModel):
    """What we hold. After an erasure only the service and the times are left."""

    receipt: str
    status: str
    service: str
    service_title: dict[str, str]
    received_at: datetime
    occurred_at: datetime | None = None
    channel: str | None = None
    answers: dict[str, Any] | None = None
    contact: str | None = None
    erased_at: datetime | None = None


class ErasureAnswer(BaseModel):
    """Gone here at once; ``elsewhere`` says when the last trace is."""

    status: str
    erased_at: datetime
    elsewhere: str


_EXAMPLE_RECEIPT = {
    "receipt": "mzxw6ytboi5dcnbq2qsv7k4hj3l6p2ae",
    "status": "held",
    "service": "building-permit",
    "service_title": {"en": "Building permit"},
    "received_at": "2026-11-24T09:30:00Z",
    "occurred_at": "2026-11-24T09:29:58Z",
    "channel": "web",
    "answers": {"rating": 4, "comment": "Clear, but the upload failed once."},
    "contact": "someone@example.org",
}
_ELSEWHERE = (
    f"Evaluations let it go within moments, message logs within {_GONE_DAYS} days, backups within {_BACKUP_DAYS} days. "
    "Figures that were published before stay as they are; nobody can be told from them."
)

SHOW = RoutePolicy(
    permission=PUBLIC, limit=RECEIPTS, body_cap=0, timeout=1.9, example=_EXAMPLE_RECEIPT, errors=(NotFoundError,)
)
ERASE = RoutePolicy(
    permission=PUBLIC,
    limit=RECEIPTS,
    body_cap=0,
    timeout=1.9,
    example={"status": "erased", "erased_at": "2026-11-24T10:00:00Z", "elsewhere": _ELSEWHERE},
    errors=(NotFoundError,),
)


def receipts_router(show: ShowReceipt, erase: EraseFeedback, tally: Tally) -> EdgeRouter:
    """Build the routes of receipts."""
    router = EdgeRouter(prefix="/v1/receipts", tags=("receipts",))

    @router.get("/{receipt}", policy=SHOW, summary="What is held under this receipt?", response_model=ReceiptAnswer)
    async def show_receipt(receipt: _TEXT) -> Response:
        return json_response(_shown(receipt, await show.show(receipt)))

    @router.delete("/{receipt}", policy=ERASE, summary="Erase it everywhere", response_model=ErasureAnswer)
    async def erase_feedback(receipt: _TEXT) -> Response:
        trace = current_trace()
        erasure = await erase.erase(receipt, traceparent=trace.traceparent() if trace else None)
        if not erasure.again:
            tally.erased()
        return json_response({"status": "erased", "erased_at": erasure.at, "elsewhere": _ELSEWHERE})

    return router


def _shown(receipt: str, held: Held) -> dict[str, Any]:
    kept = held.kept
    answer: dict[str, Any] = {
        "receipt": receipt,
        "status": "held" if kept.erased_at is None else "erased",
        "service": kept.service,
        "service_title": held.service_title,
        "received_at": kept.received_at,
    }
    if kept.erased_at is not None:
        return {**answer, "erased_at": kept.erased_at}
    return {
        **answer,
        "occurred_at": kept.occurred_at,
        "channel": kept.channel,
        "answers": kept.data,
        "contact": held.contact,
    }
