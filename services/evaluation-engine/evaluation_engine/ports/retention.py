"""What is needed to let old facts go, and to know from when on there are any."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptFacts:
    """What a service keeps: facts from ``since_ms`` on, None before any were let go. Times in ms since 1970."""

    service: str
    zone: str
    keep_months: int
    first_seen_ms: int
    since_ms: int | None = None
    moved_at_ms: int | None = None


class RetentionStore(Protocol):
    """Keeps since when each service has facts, and lets those before go."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Give True to one process at a time, False to the others."""

    async def services(self, now_ms: int) -> list[KeptFacts]:
        """Return what every service keeps; one that is new is first seen now."""

    async def move(self, service: str, since_ms: int, now_ms: int) -> None:
        """Say that facts are kept from then on: events before are refused as soon as the workers have read it."""

    async def expire_journeys(self, service: str | None, before_ms: int, limit: int) -> int:
        """Let journeys go, at most ``limit``, and book them; return how many.

        Of each, all events are older than what their services keep, and nothing is waited for. Aggregates stay.
        ``service`` None: those of which no start was ever seen.
        """

    async def expire_answers(self, service: str, before_ms: int, limit: int) -> int:
        """Let answers go with their comments, at most ``limit``, and book them; return how many. Aggregates stay."""
