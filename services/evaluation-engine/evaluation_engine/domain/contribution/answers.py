"""What an answer set or a complaint adds."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation_engine.domain.comments.extraction import CommentRecord, measures_of
from evaluation_engine.domain.contribution.address import Share, address_of
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.questions import AnswerValue, count_answers


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer set, or a complaint; a question that was not answered is None."""

    service: str
    at_ms: int
    channel: str | None = None
    language: str | None = None
    step: str | None = None
    assisted: bool = False
    segments: tuple[tuple[str, str], ...] = ()
    rating: int | None = None
    nps: int | None = None
    effort: int | None = None
    task: str | None = None
    questions: tuple[tuple[str, AnswerValue], ...] = ()
    offered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    complaint: bool = False


def of_answer(answer: Answer, context: FactContext, comment: CommentRecord | None = None) -> tuple[Share, ...]:
    """The share of an answer set or a complaint, with what its comment is about."""
    others = context.dimensions(answer.language, answer.assisted, answer.segments)
    if answer.step:
        others += (("step", context.step(answer.step)),)
    measures = {"complaints" if answer.complaint else "answers": 1}
    for name, value in (("rating", answer.rating), ("nps", answer.nps), ("effort", answer.effort)):
        if value is not None:
            measures[f"{name}.{value}"] = 1
    if answer.task is not None:
        measures[f"task.{answer.task}"] = 1
    if answer.questions:
        count_answers(measures, answer.questions, dict(answer.offered))
    if comment is not None:
        measures |= measures_of(comment, answer.rating)
    return (Share(address_of(answer.service, answer.at_ms, answer.channel, others, context), measures),)
