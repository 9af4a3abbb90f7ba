"""The findings of a service over all its evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.ports.findings import FindingStore, KnownFinding, Status
from evaluation_engine.service.evaluate.books import Yardsticks

Asked = Literal["open", "new", "recurring", "past", "all"]

_STATUSES: dict[Asked, frozenset[Status]] = {
    "open": frozenset({"new", "recurring"}),
    "new": frozenset({"new"}),
    "recurring": frozenset({"recurring"}),
    "past": frozenset({"past"}),
    "all": frozenset({"new", "recurring", "past"}),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """Reads findings."""

    yardsticks: Yardsticks
    store: FindingStore

    async def of(self, body: str, service: str, status: Asked, kind: FindingKind | None) -> list[KnownFinding]:
        """Return the findings of a service. Raises ``UnknownServiceError``."""
        await self.yardsticks.of(body, service)
        return await self.store.list(service, statuses=_STATUSES[status], kind=kind)
