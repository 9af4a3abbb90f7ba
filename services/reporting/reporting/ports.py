"""What the use cases need from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.evaluations import EvaluationRecorded, FindingSummary


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """An evaluation, or the live state of a service, as the engine stored it."""

    record: EvaluationRecorded
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class PublicService:
    """A service in use and the title of the body that runs it."""

    service: ServiceDefined
    body_title: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding as it was found last, in ``times`` of the last ``of_evaluations`` of the service's cycle."""

    newest: FindingSummary
    status: str
    times: int
    of_evaluations: int
    number: int
    first_start: datetime
    last_end: datetime


class ResultsStore(Protocol):
    """Reads what the evaluation engine has stored. Every method raises ``UnavailableError`` without PostgreSQL."""

    async def services(self, *, body: str | None, limit: int, after: str | None) -> list[ServiceDefined]:
        """Return the services in use, by id; of one body, or of all."""
        ...

    async def public_services(self, *, limit: int) -> list[PublicService]:
        """Return the services in use of all bodies, by body and id."""
        ...

    async def service(self, service: str, *, body: str | None) -> ServiceDefined | None:
        """Return one service, also a retired one."""
        ...

    async def live(self, service: str) -> StoredRecord | None:
        """Return the live state."""
        ...

    async def evaluations(
        self, service: str, *, all_revisions: bool, limit: int, before: int | None
    ) -> list[StoredRecord]:
        """Return evaluations, highest number first; ``before`` is the number that the page before ended with."""
        ...

    async def closed_periods(self, service: str, *, limit: int) -> list[StoredRecord]:
        """Return the newest revisions of the closed periods of the service's own cycle, latest period first."""
        ...

    async def evaluation_of(self, service: str, start: datetime, end: datetime) -> StoredRecord | None:
        """Return the newest revision for exactly this period, if it was evaluated and is closed."""
        ...

    async def findings(self, service: str, *, statuses: frozenset[str], kind: str | None) -> list[StoredFinding]:
        """Return one for each cause: of the newest evaluation in their order first, past ones after them."""
        ...


class Computation(Protocol):
    """Asks the engine for what is not stored. Raises ``UnavailableError`` when it does not answer in time."""

    async def scorecard(self, service: str, period: str, *, key: str) -> dict[str, Any]:
        """Return the scorecard of any period; problems of the engine pass through as errors of the shared tree."""
        ...

    async def series(self, service: str, kpi: str, query: dict[str, str], *, key: str) -> dict[str, Any]:
        """Return one KPI over time."""
        ...
