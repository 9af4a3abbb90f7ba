"""Where the catalogue is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from evaluation_engine.ports.outbox import Message

DocumentName = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """The documents of one body in their present version; version 0 when nothing was applied yet.

    ``changed_in`` has the version in which each document was changed last.
    """

    version: int
    documents: Mapping[DocumentName, Mapping[str, Any]]
    changed_in: Mapping[DocumentName, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as ingest reads it: ``definition`` is a ``ServiceDefined``."""

    id: str
    body: str
    version: int
    definition: Mapping[str, Any]
    retired: bool = False


@dataclass(frozen=True, slots=True)
class CatalogueWrite:
    """A whole new version of a body's catalogue."""

    body: str
    expected_version: int
    documents: Mapping[DocumentName, Mapping[str, Any]]
    changes: list[dict[str, Any]]
    services: tuple[ServiceRow, ...]
    messages: tuple[Message, ...]
    applied_by: str
    applied_at: datetime


class CatalogueStore(Protocol):
    """Keeps every version of every body's catalogue."""

    async def load(self, body: str) -> StoredCatalogue:
        """Return the present version."""

    async def services_of_others(self, body: str) -> frozenset[str]:
        """Return ids of services that belong to other bodies."""

    async def service_rows(self, body: str) -> Mapping[str, ServiceRow]:
        """Return the services of a body, retired ones too."""

    async def replace(self, write: CatalogueWrite) -> int:
        """Store a new version, its services and messages; returning means all of it is durable.

        Raises ``CatalogueChangedError`` when the present version isn't the expected one.
        """

    async def bodies(self) -> Mapping[str, int]:
        """Return the present version of every body that has a catalogue."""

    async def publish_again(self, messages: Callable[[], Awaitable[Iterable[Message]]]) -> int:
        """Append what ``messages`` returns to the outbox while no service or key can change; return how many."""

    async def versions(self, body: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest versions with who applied them, when, and what changed."""
