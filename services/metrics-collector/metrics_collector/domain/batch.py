"""A batch on its way through a use case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from civiloop_shared.auth.principal import Principal
from civiloop_shared.errors import ValidationFault
from metrics_collector.domain.receipt import RejectedItem

I = TypeVar("I")  # noqa: E741 - an item
Event = tuple[bytes, dict[str, Any]]
"""A stream key and the document of an envelope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[I]):
    """Items of good shape with their place in what was sent, and those whose shape is refused.

    ``strict`` writes nothing when an item is refused, ``dry_run`` never writes. ``observed_until`` marks an import.
    """

    principal: Principal
    items: list[tuple[int, I]]
    misshapen: list[RejectedItem] = field(default_factory=list)
    observed_until: datetime | None = None
    strict: bool = False
    dry_run: bool = False
    traceparent: str | None = None

    @property
    def default_source(self) -> str:
        """The source of events that name none: the key, within which ids are unique."""
        return f"urn:civiloop:key:{self.principal.key_id}"


@dataclass(slots=True)
class Sorting:
    """The good and the bad items of a batch, as they are found."""

    events: list[Event] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)

    def refuse(self, index: int, item_id: str, *faults: ValidationFault) -> None:
        """Note an item that is not taken."""
        self.rejected.append(RejectedItem(index, item_id, faults))
