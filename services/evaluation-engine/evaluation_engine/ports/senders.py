"""Who sent what of a service."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from evaluation_engine.domain.quality.checks import SenderTotals


class SenderReader(Protocol):
    """Reads what ingest counted by source and day of receipt."""

    async def senders(self, service: str, first: date, last: date) -> list[SenderTotals]:
        """Return what each source sent on each topic from `first` to `last`, both inclusive (UTC)."""
