"""Answers to the questions that a service declares beside the fixed ones."""

from __future__ import annotations

from collections.abc import Iterator

from civiloop_shared.contracts.catalogue import QuestionDefined, ServiceDefined
from civiloop_shared.errors import ValidationFault
from feedback_api.domain.feedback import Submission


def question_faults(submission: Submission, service: ServiceDefined) -> Iterator[ValidationFault]:
    """Yield what is wrong with answers: every question must be declared, every value one that it takes."""
    if not submission.answers and not submission.offered:
        return
    declared = {question.id: question for question in service.questions}
    for name, value in submission.answers.items():
        question = declared.get(name)
        if question is None:
            yield ValidationFault(f"answers.{name}", "is not a question that this service declares")
        elif question.kind == "multi":
            yield from _ticked_faults(question, value, submission.offered.get(name))
        elif isinstance(value, list) or value not in question.answers:
            yield ValidationFault(f"answers.{name}", f"must be one of {_listed(question)}")
    for name, offered in submission.offered.items():
        yield from _offered_faults(name, offered, submission, declared)


def offered_to(submission: Submission, service: ServiceDefined) -> dict[str, list[str]]:
    """Return what could be ticked at each answered question of several choices: all of it unless the client says."""
    return {
        question.id: submission.offered.get(question.id) or list(question.values)
        for question in service.questions
        if question.kind == "multi" and question.id in submission.answers
    }


def _ticked_faults(
    question: QuestionDefined, value: int | str | list[str], offered: list[str] | None
) -> Iterator[ValidationFault]:
    field = f"answers.{question.id}"
    if not isinstance(value, list):
        yield ValidationFault(field, "must be a list, empty where nothing was ticked")
        return
    if len(set(value)) < len(value):
        yield ValidationFault(field, "a choice stands twice")
    for one in value:
        if one not in question.values:
            yield ValidationFault(field, f"{one} is none of {_listed(question)}")
        elif offered is not None and one not in offered:
            yield ValidationFault(field, f"{one} was ticked and not offered")


def _offered_faults(
    name: str, offered: list[str], submission: Submission, declared: dict[str, QuestionDefined]
) -> Iterator[ValidationFault]:
    field = f"offered.{name}"
    question = declared.get(name)
    if question is None or question.kind != "multi" or name not in submission.answers:
        yield ValidationFault(field, "goes with the answer to a question of several choices")
    elif not offered or len(set(offered)) < len(offered):
        yield ValidationFault(field, "must name at least one choice, and each once")
    else:
        for one in offered:
            if one not in question.values:
                yield ValidationFault(field, f"{one} is none of {_listed(question)}")


def _listed(question: QuestionDefined) -> str:
    if question.kind == "scale":
        return f"the whole numbers {question.least} to {question.most}"
    return ", ".join(map(str, question.answers))
