"""Makes journey events for tests."""

from typing import Any

from evaluation_engine.domain.journey import JourneyEvent

MINUTE = 60_000
DAY = 86_400_000
T0 = 1_767_225_600_000


def event(kind: str, minute: float = 0, **over: Any) -> JourneyEvent:
    fields: dict[str, Any] = {"service": "permit", "channel": "web"} | over
    key = fields.pop("key", f"{kind}{minute}{sorted(over.items(), key=str)}".encode()[:200])
    return JourneyEvent(key=key, payload_hash=1, kind=kind, at_ms=T0 + round(minute * MINUTE), **fields)
