"""One question of the card with its answer, the reason in numbers, and where the numbers can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from evaluation_engine.domain.goal import Alignment
from evaluation_engine.domain.health.flavours import Flavour
from evaluation_engine.domain.kpi import Definition

Arrival = Literal["measured", "partly", "silent", "not_measured"]
"""Whether what a KPI needs arrives."""


class Answer(StrEnum):
    """Not evidenced is neither yes nor no: nobody knows."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    NOT_EVIDENCED = "not_evidenced"


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer; ``query`` is the path under ``/v1/services/{id}`` that proves it, if any does."""

    id: str
    question: str
    answer: Answer
    because: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a service.

    ``newest`` is the latest closed evaluation of its cycle; ``met_before`` tells of each closed period before it,
    oldest first, how many targets were met, of how many that could be judged. ``overdue`` says that a period has ended
    and isn't evaluated. ``arrivals`` are one of each KPI in use: whether what it needs arrives.
    """

    used: Sequence[Definition]
    newest: EvaluationRecorded | None
    met_before: Sequence[tuple[int, int]]
    alignment: Alignment
    flavours: Sequence[Flavour]
    arrivals: Sequence[Arrival]
    overdue: bool
    findings: int


def of_all(good: int, of: int) -> Answer:
    """Yes of all, partly of some, no of none; not evidenced where there is nothing to ask about."""
    if not of:
        return Answer.NOT_EVIDENCED
    if good == of:
        return Answer.YES
    return Answer.PARTLY if good else Answer.NO
