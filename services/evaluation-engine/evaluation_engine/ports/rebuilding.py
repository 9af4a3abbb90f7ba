"""What a rebuild needs: facts in bulk and cells as text, while nobody gathers the service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from evaluation_engine.domain.contribution.address import Cell
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.ports.facts import AnswerFact, JourneyFact


class Scope(NamedTuple):
    """Cells of one service whose buckets begin in `[from_ms, to_ms)`; quarter hours and minutes not from too early."""

    service: str
    from_ms: int
    to_ms: int
    quarters_from_ms: int
    minutes_from_ms: int


class RebuildTransaction(Protocol):
    """One partition, locked: its owner can't commit before the end."""

    def journeys(self, service: str, since_ms: int, until_ms: int) -> AsyncIterator[list[JourneyFact]]:
        """Give journeys that have anything in `[since_ms, until_ms)`, in chunks."""

    def answers(self, service: str, since_ms: int, until_ms: int) -> AsyncIterator[list[AnswerFact]]:
        """Give counted answers in `[since_ms, until_ms)`, in chunks."""

    async def contexts(self, ids: Collection[int]) -> dict[int, FactContext]:
        """Return contexts by their ids."""

    async def put_answers(self, facts: Collection[AnswerFact]) -> None:
        """Store answers whose comments were read again."""

    async def put_changes(self, changes: Mapping[str, str]) -> None:
        """Write down changes of this partition, see `SinkTransaction`."""

    async def changes(self, service: str) -> list[str]:
        """Return the changes of a service that this partition made and that aren't gathered."""


class Aggregates(Protocol):
    """The aggregates of one service, which nobody adds to meanwhile; when that is no longer so, nothing can be put."""

    async def texts(self, topic: str, scope: Scope) -> dict[Cell, str]:
        """Return the stored text of every cell in the scope."""

    async def put(self, topic: str, texts: Mapping[Cell, str]) -> None:
        """Store cells, each as a whole."""


class RebuildStore(Protocol):
    """Opens partitions for a rebuild."""

    async def zone(self, body: str, service: str) -> str | None:
        """Return the time zone of a service; None when the body has no such service."""

    async def facts_from_ms(self, service: str) -> int | None:
        """Return from when on a service has its facts, None when none were let go."""

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions that were ever read."""

    def ungathered(self, service: str) -> AbstractAsyncContextManager[Aggregates]:
        """Let nobody gather the changes of a service for the block."""

    def partition(self, topic: str, partition: int) -> AbstractAsyncContextManager[RebuildTransaction]:
        """Lock a partition for the block, which commits at its end."""
