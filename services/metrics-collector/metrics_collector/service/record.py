"""What taking journeys and taking measurements have in common: judge all items, then write the good ones at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from civiloop_shared.errors import ValidationError, ValidationFault
from metrics_collector.domain.batch import Batch, Sorting
from metrics_collector.domain.intake import IntakeRules
from metrics_collector.domain.receipt import BatchReceipt
from metrics_collector.domain.window import observed_until_fault
from metrics_collector.ports import EventStream, ServiceCatalogue


@dataclass(frozen=True, slots=True)
class Intake:
    """The outside as the use cases see it. ``clock`` returns the time now in UTC."""

    catalogue: ServiceCatalogue
    stream: EventStream
    clock: Callable[[], datetime]

    def rules_for(self, batch: Batch[Any]) -> IntakeRules:
        """Return the rules for a batch.

        Raises:
            ValidationError: its ``observed_until`` can't stand for now.
        """
        now = self.clock()
        reason = None if batch.observed_until is None else observed_until_fault(batch.observed_until, now)
        if reason is not None:
            raise ValidationError.of(ValidationFault("observed_until", reason))
        return IntakeRules(batch.principal, self.catalogue.service, now, batch.observed_until)

    async def write(self, batch: Batch[Any], sorting: Sorting) -> BatchReceipt:
        """Write the good items, all or none; return what became of the batch.

        Raises:
            UnavailableError: see ``EventStream.append``.
        """
        rejected = sorted([*batch.misshapen, *sorting.rejected], key=lambda item: item.index)
        written = bool(sorting.events) and not batch.dry_run and not (batch.strict and rejected)
        if written:
            await self.stream.append(sorting.events)
        return BatchReceipt(len(sorting.events), tuple(rejected), written)
