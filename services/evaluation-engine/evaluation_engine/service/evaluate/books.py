"""What every service is measured by, kept in memory and read anew when a catalogue has a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation_engine.errors import UnknownServiceError
from evaluation_engine.ports.catalogue import CatalogueStore
from evaluation_engine.service.evaluate.yardstick import Yardstick, yardsticks


@dataclass(slots=True)
class Yardsticks:
    """All services in use, by id. ``generation`` grows whenever anything changed."""

    store: CatalogueStore
    generation: int = 0
    _versions: dict[str, int] = field(default_factory=dict)
    _by_body: dict[str, Mapping[str, Yardstick]] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Read what is new."""
        for body, version in (await self.store.bodies()).items():
            if self._versions.get(body) != version:
                await self._load(body)

    def all(self) -> dict[str, Yardstick]:
        """Return every service in use."""
        return {name: one for of_body in self._by_body.values() for name, one in of_body.items()}

    async def of(self, body: str, service: str) -> Yardstick:
        """Return a service of a body, as it stands now. Raises ``UnknownServiceError``."""
        await self.refresh()
        found = self._by_body.get(body, {}).get(service)
        if found is None:
            raise UnknownServiceError
        return found

    async def _load(self, body: str) -> None:
        catalogue = await self.store.load(body)
        self._by_body[body] = yardsticks(body, catalogue)
        self._versions[body] = catalogue.version
        self.generation += 1
