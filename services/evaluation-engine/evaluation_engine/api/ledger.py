"""The ledger over HTTP (promise P4)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.edge import READ, CurrentPrincipal, EdgeRouter, RoutePolicy, Scope, json_response
from evaluation_engine.api.ingest_state import LedgerDesk
from evaluation_engine.ports.books import FeedbackDay, PartitionBooks
from evaluation_engine.service.ledger import OUTCOMES

router = EdgeRouter(prefix="/v1", tags=["ingest"])

_EXAMPLE = {
    "partitions": [{"topic": "telemetry.journeys", "partition": 0, "span": 12, "counted": 11, "duplicate": 1}],
    "feedback": [{"service": "parking-permit", "day": "2026-10-01", "counted": 7}],
    "facts": {"telemetry.journeys": {"counted": 11}},
    "differences": {},
    "imbalance": 0,
}


@router.get(
    "/ledger",
    policy=RoutePolicy(permission=Scope.READ, limit=READ, body_cap=0, timeout=15.0, example=_EXAMPLE, errors=()),
)
async def show_ledger(ledger: LedgerDesk, principal: CurrentPrincipal) -> Response:
    """Return what became of every record; `imbalance` is 0 when all of it fits. Feedback of the caller's body only."""
    audit = await ledger.audit(principal.body)
    return json_response(
        {
            "partitions": [_partition(one) for one in audit.ledger.partitions],
            "feedback": [_feedback(one) for one in audit.ledger.feedback if principal.may_touch(one.service)],
            "facts": audit.ledger.facts,
            "differences": audit.differences,
            "imbalance": audit.imbalance,
        }
    )


def _partition(one: PartitionBooks) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "partition": one.partition,
        "first_offset": one.first_offset,
        "next_offset": one.next_offset,
        "span": one.span,
        **{outcome: one.outcomes.get(outcome, 0) for outcome in OUTCOMES},
        "imbalance": one.imbalance,
        "stopped": one.stopped,
    }


def _feedback(one: FeedbackDay) -> dict[str, Any]:
    return {
        "service": one.service,
        "day": one.day.isoformat(),
        "counted": one.counted,
        "quarantined": one.quarantined,
        "dead_lettered": one.dead_lettered,
        "erased": one.erased,
    }
