"""What one batch does, gathered before it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.ports.sink import DeadLetter, SinkTransaction
from evaluation_engine.service.ingest.arrivals import Arrival, Reader

P = TypeVar("P")


@dataclass(slots=True)
class Work:
    """Changes of one batch of one partition: contributions, outcomes, letters, erased answers."""

    topic: str
    partition: int
    now_ms: int
    changes: Batch
    outcomes: Counter[str] = field(default_factory=Counter)
    letters: list[DeadLetter] = field(default_factory=list)
    erased: set[bytes] = field(default_factory=set)

    def set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Take letters, each with its outcome."""
        self.letters += letters
        for letter in letters:
            self.outcomes[letter.outcome] += 1

    def repeated(self, arrival: Arrival[Any], hash_that_stands: int) -> None:
        """Take an event whose id is known: a duplicate, or a dead letter where it says something else."""
        if arrival.payload_hash == hash_that_stands:
            self.outcomes["duplicate"] += 1
        else:
            self.set_aside([reused(arrival)])


def reused(arrival: Arrival[Any]) -> DeadLetter:
    """Return the letter for an event whose id was used for another payload."""
    return DeadLetter(arrival.record, "dead_lettered", "id_reused", "the id was used before with another payload")


class Handler(Protocol[P]):
    """What is particular about a topic."""

    @property
    def topic(self) -> str:
        """Name without prefix."""

    @property
    def read(self) -> Reader[P]:
        """Makes payloads of drafts."""

    async def apply(self, transaction: SinkTransaction, fresh: Sequence[Arrival[P]], work: Work) -> None:
        """Fold events that were never seen into facts, store these, and add to the work what follows from them."""
