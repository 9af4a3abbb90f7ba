"""A body, its services, a key, a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from civiloop_shared.auth import Principal, Scope
from civiloop_shared.contracts.catalogue import ServiceDefined
from metrics_collector.domain.batch import Batch
from metrics_collector.domain.intake import IntakeRules

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SERVICES = {
    service.id: service
    for service in (
        ServiceDefined(
            id="permit", body="city", version=1, title={"en": "Permit"}, segments={"age": ("18-25", "26-64")}
        ),
        ServiceDefined(
            id="kiosk-only", body="city", version=1, title={"en": "K"}, channels=("kiosk",), oldest_event_days=2
        ),
        ServiceDefined(id="elsewhere", body="county", version=1, title={"en": "Elsewhere"}),
    )
}


class Desk:
    """Makes batches and the rules that judge them."""

    def __init__(self) -> None:
        self.principal = Principal("k1", "city", frozenset({Scope.TELEMETRY_WRITE}))

    def limited_to(self, *services: str) -> Desk:
        self.principal = Principal("k1", "city", frozenset({Scope.TELEMETRY_WRITE}), frozenset(services))
        return self

    def batch(self, *items: dict[str, Any], **fields: Any) -> Batch[Any]:
        return Batch(principal=self.principal, items=list(enumerate(items)), **fields)

    def rules(self, observed_until: datetime | None = None) -> IntakeRules:
        return IntakeRules(self.principal, SERVICES.get, NOW, observed_until)


@pytest.fixture
def desk() -> Desk:
    return Desk()
