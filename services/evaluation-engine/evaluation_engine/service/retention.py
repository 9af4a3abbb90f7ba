"""Facts are let go once they are older than their service keeps them; what they were counted into stays.

First it is written down from when on facts are kept. Workers refuse events before that (`before_retention`), for no
fact is left by which a repeat could be told. An hour later, when every worker has long read it, the facts go, in
batches that each hold a partition for a moment. The mark never moves back, whatever a catalogue says later.
A service has some weeks from its first day on in which history of any age can be imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.domain.retention import facts_from_ms
from evaluation_engine.ports.retention import KeptFacts, RetentionStore
from evaluation_engine.service.ingest.instants import DAY_MS

HISTORY_WELCOME_MS = 35 * DAY_MS
"""How long after it was first seen a service takes events of any age."""

READ_BY_ALL_MS = 3_600_000
"""After this time every worker knows the mark: they read it each second."""

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class LetFactsGo:
    """The use case of the chore. ``told`` is called with topic and number as facts go."""

    store: RetentionStore
    clock_ms: Callable[[], int]
    told: Callable[[str, int], None]

    async def run(self) -> None:
        """Move the marks that are due and let go what lies before the others; nothing when another process does."""
        async with self.store.alone() as mine:
            if not mine:
                return
            now_ms = self.clock_ms()
            services = await self.store.services(now_ms)
            for one in services:
                await self._move(one, now_ms)
            ripe = [(one.service, since) for one in services if (since := _ripe(one, now_ms)) is not None]
            for service, since_ms in ripe:
                await self._all(JOURNEYS.name, partial(self.store.expire_journeys, service, since_ms, _BATCH))
                await self._all(FEEDBACK.name, partial(self.store.expire_answers, service, since_ms, _BATCH))
            if ripe:
                latest_ms = max(since_ms for _, since_ms in ripe)
                await self._all(JOURNEYS.name, partial(self.store.expire_journeys, None, latest_ms, _BATCH))

    async def _move(self, one: KeptFacts, now_ms: int) -> None:
        since_ms = facts_from_ms(now_ms, one.keep_months, one.zone)
        if one.first_seen_ms + HISTORY_WELCOME_MS <= now_ms and (one.since_ms is None or one.since_ms < since_ms):
            await self.store.move(one.service, since_ms, now_ms)

    async def _all(self, topic: str, expire: Callable[[], Awaitable[int]]) -> None:
        while gone := await expire():
            self.told(topic, gone)


def _ripe(one: KeptFacts, now_ms: int) -> int | None:
    known = one.moved_at_ms is not None and one.moved_at_ms + READ_BY_ALL_MS <= now_ms
    return one.since_ms if known else None
