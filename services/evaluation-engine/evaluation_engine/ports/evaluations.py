"""Where evaluations and the live status are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from civiloop_shared.contracts.evaluations import FindingSummary
from evaluation_engine.domain.disclosure.editions import Edition
from evaluation_engine.domain.disclosure.figures import Figures, History

Memory = Mapping[str, Mapping[str, Mapping[str, str | int]]]
"""State of rules by benchmark and rule."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What is evaluated: a service over a period, on a cycle or on demand."""

    service: str
    body: str
    cycle: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """The newest revision for a slot, without its record."""

    start: datetime
    end: datetime
    number: int
    revision: int
    digest: str
    checked_at: datetime
    stored_at: datetime
    memory_before: Memory
    memory_after: Memory


@dataclass(frozen=True, slots=True)
class Finished:
    """The canonical JSON of a record, and the tables that are published for the first time with it."""

    record: bytes
    editions: tuple[Edition, ...] = ()


class Finish(Protocol):
    """Makes the record of a draft; runs in a thread, for what is published has to be proved."""

    def __call__(self, number: int, revision: int, replaced: bytes | None, history: History) -> Finished:
        """Return the record with its number, from the record that it replaces and what was published before."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An evaluation before it has its number.

    ``digest`` is of all inputs. ``read_at`` is the database's time at which the inputs were read. ``findings`` are
    those to be followed from one evaluation to the next: none on demand. ``figures`` are the numbers to be published:
    what was published of them before, ``finish`` is given.
    """

    slot: Slot
    closed: bool
    as_of: datetime
    digest: str
    memory_before: Memory
    memory_after: Memory
    read_at: datetime
    finish: Finish
    findings: tuple[FindingSummary, ...] = ()
    figures: tuple[Figures, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """An evaluation as it is stored; ``created`` is False when these inputs had been evaluated before."""

    number: int
    revision: int
    record: bytes
    created: bool
    stored_at: datetime


class EvaluationStore(Protocol):
    """Keeps every revision of every evaluation."""

    async def put(self, draft: Draft) -> Stored:
        """Store a new number or revision with its message for the topic; nothing when the inputs are the same.

        What it publishes is decided against everything published of the service before, and remembered, as one.
        """

    async def known(self, service: str, cycle: str) -> list[Known]:
        """Return the newest revision of each period of a cycle, earliest period first."""

    async def latest_memory(self, service: str, cycle: str, before: datetime) -> Memory:
        """Return the state of the rules after the last evaluation of a cycle that ended by then; empty without one."""

    async def newest_of(self, service: str, start: datetime, end: datetime) -> Stored | None:
        """Return the newest closed evaluation of exactly this period."""

    async def newest(self, service: str, cycle: str) -> Stored | None:
        """Return the newest revision of the latest period of a cycle."""

    async def latest(self, service: str, cycle: str, *, limit: int) -> Sequence[Stored]:
        """Return the newest revision of each of the latest periods of a cycle, latest period first."""

    async def list(self, service: str, *, limit: int, before: int | None, all_revisions: bool) -> list[Stored]:
        """Return evaluations by number, newest first; ``before`` is where the page before ended."""

    async def put_live(self, service: str, record: bytes, computed_at: datetime) -> None:
        """Store the live status, unless a newer one is there."""

    async def live(self, service: str) -> tuple[bytes, datetime] | None:
        """Return the live status."""

    async def newest_times(self) -> Mapping[str, datetime]:
        """Return when each service was evaluated last."""
