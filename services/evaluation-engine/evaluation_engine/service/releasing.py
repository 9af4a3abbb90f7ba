"""A person lets stopped partitions go on at the first record that their topic has.

Nothing that was counted counts again: ids and facts tell repeats. What the topic lost is lost to the numbers, unless
its senders send it again; the order says from which offset on, by whose key and when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from civiloop_shared.errors import ForbiddenError
from evaluation_engine.ports.releases import Release, Releases, StoppedPartition

_ORDERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ReleasePartitions:
    """The use case behind `civiloop partitions`. All bodies share the partitions, so ``home``'s admins decide."""

    releases: Releases
    home: str
    clock: Callable[[], datetime]

    async def show(self, body: str) -> tuple[list[StoppedPartition], list[Release]]:
        """Return what stands still, and the newest orders. Raises ``ForbiddenError`` for other bodies."""
        self._demand_home(body)
        return await self.releases.stopped(), await self.releases.newest(_ORDERS_SHOWN)

    async def release(
        self, body: str, topic: str, partition: int | None, *, by: str, dry_run: bool
    ) -> list[StoppedPartition]:
        """Order that a partition of a topic go on, all stopped ones without ``partition``; return which.

        One whose order waits already is not ordered again. Raises ``ForbiddenError`` for other bodies.
        """
        self._demand_home(body)
        wanted = [
            one
            for one in await self.releases.stopped()
            if one.topic == topic and partition in (None, one.partition) and one.release_asked_at is None
        ]
        if wanted and not dry_run:
            await self.releases.order(wanted, by, self.clock())
        return wanted

    def _demand_home(self, body: str) -> None:
        if body != self.home:
            raise ForbiddenError("only an admin of the installation's own body decides about partitions")
