"""Count what was taken in, so that it can be compared with what was counted elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civiloop_shared.auth import Principal
from feedback_api.ports import LedgerDay, LedgerStore


@dataclass(frozen=True, slots=True)
class ReadLedger:
    """Counts the stored feedback of the caller's services by day of receipt."""

    ledger: LedgerStore

    async def days(self, principal: Principal) -> Sequence[LedgerDay]:
        """Return one entry for each service and day that has any."""
        return await self.ledger.days(principal.body, principal.services)
