"""How answers to the questions of a service are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation_engine.domain.accumulator import Measures

AnswerValue = int | str | tuple[str, ...]
"""A number of a scale, one choice, or all that were ticked."""

UMUX_LITE = ("umux-lite-capable", "umux-lite-easy")
"""The two questions of UMUX-Lite, 1 to 7 each: their sum less 2 is counted for each person who answered both."""


def count_answers(
    found: Measures, answers: Iterable[tuple[str, AnswerValue]], offered: Mapping[str, tuple[str, ...]]
) -> None:
    """Count each answer; of several choices each that was offered, so that what was not offered is no answer."""
    numbers: dict[str, int] = {}
    for question, value in answers:
        if isinstance(value, tuple):
            _count_ticked(found, question, value, offered.get(question, ()))
            continue
        found[f"q.{question}.{value}"] = 1
        if isinstance(value, int):
            numbers[question] = value
    capable, easy = (numbers.get(question) for question in UMUX_LITE)
    if capable is not None and easy is not None:
        found[f"q.umux-lite.{capable + easy - 2}"] = 1


def _count_ticked(found: Measures, question: str, ticked: tuple[str, ...], offered: tuple[str, ...]) -> None:
    found[f"q.{question}.offered"] = 1
    for choice in dict.fromkeys((*offered, *ticked)):
        found[f"q.{question}.{choice}.offered"] = 1
    for choice in ticked:
        found[f"q.{question}.{choice}.ticked"] = 1
