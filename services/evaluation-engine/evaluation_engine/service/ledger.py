"""The ledger (promise P4): every consumed record has exactly one outcome, and the facts say the same.

Outcomes of a record:

- `counted`: it is in a fact. An event of a journey that ends before it starts is counted too: the journey is the
  fault there, not the record, and `j.fault` tells it.
- `duplicate`: its id was known with the same payload.
- `quarantined`: an answer that was kept without a contribution.
- `dead_lettered`: it can never be counted as it is: broken form, unknown service, an id used for something else.
- `erased`: an erasure, or an answer that came after its erasure.
- `data_fault`: form and service are right, and its time is not: it happened more than a day after
  it was received, or its period is longer than ten years; or it happened before the time from which on facts are
  kept, where a repeat could not be told any more. It is kept with the dead letters and can be replayed.

The outcomes are counted as the batches are committed; `facts` counts them anew from journeys, answers, measurements
and letters, so that a defect in either shows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import get_args

from evaluation_engine.ports.books import Books, Ledger
from evaluation_engine.ports.sink import Outcome

OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Audit:
    """The books with what doesn't fit: by topic and outcome, what the facts have more or less than the ledger."""

    ledger: Ledger
    differences: dict[str, dict[str, int]]

    @property
    def imbalance(self) -> int:
        """Everything that doesn't fit, as one number; 0 is right."""
        partitions = sum(abs(one.imbalance) for one in self.ledger.partitions)
        return partitions + sum(abs(n) for outcomes in self.differences.values() for n in outcomes.values())


@dataclass(frozen=True, slots=True)
class AuditLedger:
    """The use case behind `GET /v1/ledger` and `civiloop verify`."""

    books: Books

    async def audit(self, body: str | None = None) -> Audit:
        """Compare offsets, outcomes and facts in one snapshot."""
        ledger = await self.books.ledger(body)
        return Audit(ledger, _differences(ledger))


def _differences(ledger: Ledger) -> dict[str, dict[str, int]]:
    booked: dict[str, Counter[str]] = {}
    for one in ledger.partitions:
        booked.setdefault(one.topic, Counter()).update(one.outcomes)
    found: dict[str, dict[str, int]] = {}
    for topic, outcomes in ledger.facts.items():
        for outcome, n in outcomes.items():
            if difference := n - booked.get(topic, Counter())[outcome]:
                found.setdefault(topic, {})[outcome] = difference
    return found
