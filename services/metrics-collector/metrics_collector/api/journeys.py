"""``POST /v1/journeys``."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.contracts.journeys import JOURNEY_TYPES
from civiloop_shared.edge import EdgeRequest, EdgeRouter
from metrics_collector.api.batches import ItemKind, Wishes, read_batch
from metrics_collector.api.receipts import answer
from metrics_collector.api.routes import DryRunQuery, ObservedUntilQuery, StrictQuery, documented, ingest_policy
from metrics_collector.api.shapes import Journeys

_EXAMPLE = {
    "events": [
        {
            "id": "7f1c-started",
            "service": "building-permit",
            "journey_id": "7f1c",
            "kind": "started",
            "occurred_at": "2026-11-24T09:15:00+02:00",
            "channel": "web",
            "language": "el",
        }
    ]
}
_EVENT = {
    "specversion": "1.0",
    "id": "7f1c-started",
    "source": "urn:example:portal",
    "type": "civiloop.journey.started.v1",
    "time": "2026-11-24T09:15:00+02:00",
    "data": {"service": "building-permit", "journey_id": "7f1c", "channel": "web"},
}
router = EdgeRouter(prefix="/v1", tags=["telemetry"])


def _from_type(event_type: str) -> dict[str, Any] | None:
    return {"kind": event_type.split(".")[2]} if event_type in JOURNEY_TYPES else None


_KIND = ItemKind("events", Journeys, _from_type)


@router.post(
    "/journeys",
    policy=ingest_policy(_EXAMPLE),
    **documented("Take what happened in journeys", "events", Journeys, _EXAMPLE, _EVENT),
)
async def record_journeys(
    request: EdgeRequest,
    strict: StrictQuery = False,
    dry_run: DryRunQuery = False,
    observed_until: ObservedUntilQuery = None,
) -> Response:
    """Take up to 1,000 events of any kinds, journeys and services."""
    batch = await read_batch(request, _KIND, Wishes(strict, dry_run, observed_until))
    receipt = await request.state.record_journeys.record(batch)
    request.state.metrics.journeys.count(receipt)
    return answer(batch, receipt, _KIND.list_name)
