"""What the use cases need of the outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from civiloop_shared.contracts.catalogue import ServiceDefined


class ServiceCatalogue(Protocol):
    """Knows the services, out of memory."""

    def service(self, service_id: str) -> ServiceDefined | None:
        """Return a service by its id."""


class EventStream(Protocol):
    """Where accepted events go."""

    async def append(self, events: Sequence[tuple[bytes, dict[str, Any]]]) -> None:
        """Append events, each with its stream key and the document of its envelope.

        When this returns, all of them are durable.

        Raises:
            UnavailableError: nothing was written.
            OverloadedError: nothing was written.
            TooLargeError: nothing was written.
            UnknownOutcomeError: all, some or none are or will be written.
        """
