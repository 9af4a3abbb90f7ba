"""``POST /v1/measurements``."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.edge import EdgeRequest, EdgeRouter
from metrics_collector.api.batches import ItemKind, Wishes, read_batch
from metrics_collector.api.receipts import answer
from metrics_collector.api.routes import DryRunQuery, ObservedUntilQuery, StrictQuery, documented, ingest_policy
from metrics_collector.api.shapes import Measurements

_EXAMPLE = {
    "measurements": [
        {
            "id": "cost-2026-10-counter",
            "service": "building-permit",
            "name": "operating-cost",
            "kind": "cost",
            "unit": "EUR",
            "value": 12480.5,
            "channel": "counter",
            "period_from": "2026-11-01T00:00:00+02:00",
            "period_to": "2026-11-24T00:00:00+02:00",
        }
    ]
}
_EVENT = {
    "specversion": "1.0",
    "id": "queue-4711",
    "source": "urn:example:counter-3",
    "type": MeasurementRecorded.TYPE,
    "time": "2026-11-24T09:15:00+02:00",
    "data": {"service": "building-permit", "name": "waiting-time", "kind": "duration", "unit": "s", "value": 240},
}
router = EdgeRouter(prefix="/v1", tags=["telemetry"])


def _from_type(event_type: str) -> dict[str, Any] | None:
    return {} if event_type == MeasurementRecorded.TYPE else None


_KIND = ItemKind("measurements", Measurements, _from_type)


@router.post(
    "/measurements",
    policy=ingest_policy(_EXAMPLE),
    **documented("Take costs, volumes, durations and counts", "measurements", Measurements, _EXAMPLE, _EVENT),
)
async def record_measurements(
    request: EdgeRequest,
    strict: StrictQuery = False,
    dry_run: DryRunQuery = False,
    observed_until: ObservedUntilQuery = None,
) -> Response:
    """Take up to 1,000 values with their unit, each at an instant or over a period."""
    batch = await read_batch(request, _KIND, Wishes(strict, dry_run, observed_until))
    receipt = await request.state.record_measurements.record(batch)
    request.state.metrics.measurements.count(receipt)
    return answer(batch, receipt, _KIND.list_name)
