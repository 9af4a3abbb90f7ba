"""The document of an envelope (``civiloop_shared.contracts.envelope``), built without detours: this is the hot path.

A contract test keeps it equal, to the byte, to what ``envelope.encode`` writes. Instants stay ``datetime`` in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any


def document(
    data: dict[str, Any],
    event_id: str,
    source: str,
    event_type: str,
    time: datetime,
    shared: tuple[str, datetime, str | None],
) -> dict[str, Any]:
    """Return the document. ``shared`` is what a batch has in common: body, time of receipt, traceparent."""
    body, recorded, traceparent = shared
    made = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        "time": time,
        "datacontenttype": "application/json",
        "bodyid": body,
        "recordedtime": recorded,
    }
    if traceparent is not None:
        made["traceparent"] = traceparent
    made["data"] = data
    return made
