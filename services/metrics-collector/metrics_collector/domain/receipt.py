"""What became of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from civiloop_shared.errors import ValidationFault


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """One item that is not taken: its place in the batch, its id when it has a proper one, and all that is wrong."""

    index: int
    id: str | None
    faults: tuple[ValidationFault, ...]


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """How many items are taken, and which are not. ``written``: the taken ones are durable (else nothing is)."""

    accepted: int
    rejected: tuple[RejectedItem, ...]
    written: bool
