"""What the public page of a service shows: its newest closed period and the ones before."""

from __future__ import annotations

from dataclasses import dataclass

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.evaluations import EvaluationRecorded
from reporting.domain.figure import Figure, figures
from reporting.errors import UnknownServiceError
from reporting.ports import PublicService, ResultsStore

_MOST_PERIODS = 13
_MOST_SERVICES = 500


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A service, and what is published of it; ``newest`` is None while nothing is."""

    service: ServiceDefined
    newest: EvaluationRecorded | None
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class PublicPages:
    """Shows what the engine has published of closed periods, and nothing else of them."""

    store: ResultsStore

    async def index(self) -> list[PublicService]:
        """Return all services in use, of every body."""
        return await self.store.public_services(limit=_MOST_SERVICES)

    async def service(self, service_id: str) -> ServicePage:
        """Return the page of a service; raise ``UnknownServiceError``."""
        service = await self.store.service(service_id, body=None)
        if service is None:
            raise UnknownServiceError
        stored = await self.store.closed_periods(service_id, limit=_MOST_PERIODS)
        records = [one.record for one in reversed(stored) if one.record.published]
        if not records:
            return ServicePage(service, None, ())
        return ServicePage(service, records[-1], figures(records))
