"""Where findings are kept, one for each cause, with the evaluations that they occurred in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from civiloop_shared.contracts.evaluations import FindingKind, FindingSummary

Status = Literal["new", "recurring", "past"]


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding as it was found last, in `times` of the last `of_evaluations` (12 at most) of the service's cycle.

    `new` and `recurring` are in the newest evaluation, `past` is not.
    """

    newest: FindingSummary
    status: Status
    times: int
    of_evaluations: int
    number: int
    first_start: datetime
    last_end: datetime


class FindingStore(Protocol):
    """Reads findings; they are stored with their evaluation."""

    async def list(self, service: str, *, statuses: frozenset[Status], kind: FindingKind | None) -> list[KnownFinding]:
        """Return the findings of a service: of the newest evaluation in their order first, past ones after them."""
