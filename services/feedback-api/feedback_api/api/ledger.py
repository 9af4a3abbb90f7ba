"""GET /v1/ledger: what was taken in, to be compared with what was counted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from pydantic import BaseModel
from starlette.responses import Response

from civiloop_shared.auth import Scope
from civiloop_shared.edge.policy import READ, RoutePolicy
from civiloop_shared.edge.request import EdgeRequest
from civiloop_shared.edge.responses import json_response
from civiloop_shared.edge.router import EdgeRouter
from feedback_api.service.ledger import ReadLedger


class LedgerRow(BaseModel):
    """One service and day of receipt (UTC)."""

    service: str
    day: date
    stored: int
    waiting: int
    quarantined: int
    erased: int


LEDGER = RoutePolicy(
    permission=Scope.READ,
    limit=READ,
    body_cap=0,
    timeout=10.0,
    example=[
        {"service": "building-permit", "day": "2026-11-24", "stored": 310, "waiting": 0, "quarantined": 0, "erased": 2}
    ],
    errors=(),
    requires=("catalogue",),
)


def ledger_router(ledger: ReadLedger) -> EdgeRouter:
    """Build the route of the ledger."""
    router = EdgeRouter(prefix="/v1/ledger", tags=("operations",))

    @router.get(
        "",
        policy=LEDGER,
        summary="Feedback stored by service and day of receipt",
        description="``waiting`` has not reached Kafka yet; all other rows must be counted by the engine, once each.",
        response_model=list[LedgerRow],
    )
    async def read_ledger(request: EdgeRequest) -> Response:
        return json_response([asdict(day) for day in await ledger.days(request.principal)])

    return router
