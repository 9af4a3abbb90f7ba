"""Which Idempotency-Keys are being worked on in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from feedback_api.errors import InFlightError


class InFlight:
    """Lets one request a key through at a time. Between replicas the database's unique key does the same."""

    def __init__(self) -> None:
        self._names: set[tuple[str, ...]] = set()

    @contextmanager
    def alone(self, *name: str) -> Iterator[None]:
        """Hold a name while the block runs. Raises ``InFlightError`` when it is held already."""
        if name in self._names:
            raise InFlightError("the same request is being answered; ask again in a moment")
        self._names.add(name)
        try:
            yield
        finally:
            self._names.discard(name)
