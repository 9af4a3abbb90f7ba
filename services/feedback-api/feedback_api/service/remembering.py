"""How long an Idempotency-Key stands for its first request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from feedback_api.ports import Clock, RememberedStore

REMEMBERED_DAYS = 14
"""Whole days after which the same key is free for another request."""

_AT_ONCE = 2_000
"""Answers let go in one transaction, so that none holds its locks for long."""


@dataclass(frozen=True, slots=True)
class LetAnswersGo:
    """Forgets what was answered, receipts in it, once no retry is to be expected any more."""

    remembered: RememberedStore
    clock: Clock

    async def let_go(self) -> int:
        """Forget all that is past its time and return how many answers that were. Raises ``UnavailableError``."""
        before = self.clock() - timedelta(days=REMEMBERED_DAYS)
        gone = 0
        while went := await self.remembered.let_go(before, _AT_ONCE):
            gone += went
        return gone
