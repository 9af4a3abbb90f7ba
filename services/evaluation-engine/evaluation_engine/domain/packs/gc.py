"""Government of Canada, GC Task Success Survey."""

from __future__ import annotations

from functools import partial
from typing import Any

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import Proportion, Terms
from evaluation_engine.domain.packs.pack import FIVE, Pack, asked, three

_SOURCE = "Government of Canada, GC Task Success Survey"

_survey: Any = partial(
    Definition,
    version=1,
    family="customer_satisfaction",
    outcome="citizen",
    nature="qualitative",
    source=_SOURCE,
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    interval="wilson",
    dimensions=("channel", "language", "assisted", "segment", "step"),
    pack="gc",
)


def _top_two(question: str) -> Proportion:
    return Proportion(Terms((f"q.{question}.4", f"q.{question}.5")), Terms(tuple(f"q.{question}.{k}" for k in FIVE)))


SUCCESS: Definition = _survey(
    id="gc-task-success",
    title=three("Task success (Canada)", "Επίτευξη σκοπού (Καναδάς)", "انجام کار (کانادا)"),
    aspect="effectiveness",
    goal="People complete what they came for.",
    signal="The share who say that they completed their task goes up.",
    formula='yes / (yes + no) × 100; "I started this survey before I finished" is left out',
    measure=Proportion(Terms(("q.gc-task.yes",)), Terms(("q.gc-task.yes", "q.gc-task.no"))),
    needs=(asked("gc-task", "yes, no, before-finishing"),),
)

EASE: Definition = _survey(
    id="gc-ease",
    title=three("Ease (Canada)", "Ευκολία (Καναδάς)", "آسانی (کانادا)"),
    aspect="efficiency",
    goal="It is easy to get done.",
    signal="The share who find it easy or very easy goes up.",
    formula="answers 4 or 5 / answers 1 to 5 × 100; skipped is no answer",
    measure=_top_two("gc-ease"),
    needs=(asked("gc-ease", "1 to 5"),),
)

SATISFACTION: Definition = _survey(
    id="gc-satisfaction",
    title=three("Satisfaction (Canada)", "Ικανοποίηση (Καναδάς)", "رضایت (کانادا)"),
    aspect="effectiveness",
    goal="People are satisfied.",
    signal="The share who are satisfied or very satisfied goes up.",
    formula='answers 4 or 5 / answers 1 to 5 × 100; skipped is no answer, not "unsatisfied"',
    measure=_top_two("gc-satisfaction"),
    needs=(asked("gc-satisfaction", "1 to 5"),),
)

PACK = Pack(
    id="gc",
    title=three("GC Task Success (Canada)", "GC Task Success (Καναδάς)", "GC Task Success (کانادا)"),
    source=_SOURCE,
    definitions=(SUCCESS, EASE, SATISFACTION),
    questions=(
        QuestionDefined(
            id="gc-task",
            kind="choice",
            values=("yes", "no", "before-finishing"),
            title=three("Did you complete your task?", "Ολοκληρώσατε αυτό που θέλατε;", "کارتان انجام شد؟"),
        ),
        QuestionDefined(
            id="gc-ease",
            kind="scale",
            least=1,
            most=5,
            title=three("How easy was it?", "Πόσο εύκολο ήταν;", "چقدر آسان بود؟"),
        ),
        QuestionDefined(
            id="gc-satisfaction",
            kind="scale",
            least=1,
            most=5,
            title=three("How satisfied are you?", "Πόσο ικανοποιημένοι είστε;", "چقدر راضی هستید؟"),
        ),
    ),
)
