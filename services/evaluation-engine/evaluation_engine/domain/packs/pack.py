"""A pack: KPIs that belong together because one source defines them, and the questions that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition, Need

FIVE = tuple(range(1, 6))


@dataclass(frozen=True, slots=True)
class Pack:
    """KPIs in the order of a scorecard."""

    id: str
    title: Mapping[str, str]
    source: str
    definitions: tuple[Definition, ...]
    questions: tuple[QuestionDefined, ...] = ()


def asked(question: str, what: str) -> Need:
    """The need for the answers to a question."""
    return Need(f"q.{question}", "feedback", f"feedback.answers.{question} ({what})", (f"q.{question}.",))


def reported(measurement: str, what: str) -> Need:
    """The need for a measurement."""
    return Need(f"m.{measurement}", "measurements", f"measurement named {measurement} ({what})", (f"m.{measurement}.",))


def three(en: str, el: str, fa: str) -> dict[str, str]:
    """A title in the languages of the pages."""
    return {"en": en, "el": el, "fa": fa}
