"""Answers to questions that a service declares: what is taken and what leaves."""

from __future__ import annotations

from typing import Any

import pytest

from civiloop_shared.contracts.catalogue import QuestionDefined
from civiloop_shared.errors import ValidationError
from feedback_api.api.items import read_item
from feedback_api.domain.acceptance import faults_of
from feedback_api.domain.feedback import content_hash, identify
from feedback_api.domain.leaving import received
from feedback_api.domain.questions import offered_to
from tests.unit.feedback_api.factories import NOW, make_service, make_submission

pytestmark = pytest.mark.requirement("A1")

SERVICE = make_service(
    questions=(
        QuestionDefined(id="clarity", kind="scale", least=1, most=5),
        QuestionDefined(id="task", kind="choice", values=("yes", "no", "before")),
        QuestionDefined(id="reached", kind="yes_no"),
        QuestionDefined(id="drivers", kind="multi", values=("ease", "speed", "staff")),
    )
)


def faults(**fields: Any) -> list[tuple[str, str]]:
    submission = make_submission(rating=None, **fields)
    return [(fault.field, fault.reason) for fault in faults_of(submission, SERVICE, now=NOW)]


def test_answers_to_declared_questions_are_taken_without_any_fixed_answer() -> None:
    assert faults(answers={"clarity": 5, "task": "before", "reached": "no", "drivers": []}) == []


def test_a_question_that_is_not_declared_and_every_wrong_value_is_named() -> None:
    found = faults(answers={"clarity": 6, "task": "maybe", "reached": ["yes"], "drivers": ["ease", "price"], "mood": 1})
    assert found == [
        ("answers.clarity", "must be one of the whole numbers 1 to 5"),
        ("answers.task", "must be one of yes, no, before"),
        ("answers.reached", "must be one of yes, no"),
        ("answers.drivers", "price is none of ease, speed, staff"),
        ("answers.mood", "is not a question that this service declares"),
    ]


def test_what_was_ticked_must_have_been_offered() -> None:
    assert faults(answers={"drivers": ["staff"]}, offered={"drivers": ["ease", "speed"]}) == [
        ("answers.drivers", "staff was ticked and not offered")
    ]
    assert faults(answers={"clarity": 1}, offered={"clarity": ["ease"], "drivers": ["ease"]}) == [
        ("offered.clarity", "goes with the answer to a question of several choices"),
        ("offered.drivers", "goes with the answer to a question of several choices"),
    ]
    assert faults(answers={"drivers": "ease"}) == [
        ("answers.drivers", "must be a list, empty where nothing was ticked")
    ]
    assert faults(answers={"drivers": ["ease", "ease"]}) == [("answers.drivers", "a choice stands twice")]


def test_every_choice_of_an_answered_question_leaves_as_offered_unless_the_client_says_otherwise() -> None:
    answered = make_submission(answers={"drivers": ["ease"], "clarity": 4})
    assert offered_to(answered, SERVICE) == {"drivers": ["ease", "speed", "staff"]}
    some = make_submission(answers={"drivers": ["ease"]}, offered={"drivers": ["ease", "staff"]})
    assert offered_to(some, SERVICE) == {"drivers": ["ease", "staff"]}

    feedback = identify(answered, body="city", default_source="urn:x", new_id="1")
    payload = received(feedback, occurred_at=NOW, offered=offered_to(answered, SERVICE))

    assert payload["answers"] == {"drivers": ["ease"], "clarity": 4}
    assert payload["offered"] == {"drivers": ["ease", "speed", "staff"]}


def test_the_hash_of_what_was_said_covers_answers_and_stays_as_it_was_without_any() -> None:
    assert content_hash(make_submission()) != content_hash(make_submission(answers={"clarity": 4}))
    assert "answers" not in make_submission().said()


@pytest.mark.parametrize("answer", ["5", True, 4.0, None, -1, "Yes", "", ["a", 1], {"a": 1}])
def test_a_value_of_another_type_is_refused_with_its_field(answer: Any) -> None:
    item = {"service": "building-permit", "channel": "web", "answers": {"clarity": answer}}
    if answer == "5":  # a choice by its form; the service knows that the question has numbers
        assert faults(answers={"clarity": "5"}) == [("answers.clarity", "must be one of the whole numbers 1 to 5")]
        return
    with pytest.raises(ValidationError) as refused:
        read_item(item)
    assert {fault.field.split(".")[0] for fault in refused.value.faults} == {"answers"}
    assert all(fault.field.startswith("answers.clarity") for fault in refused.value.faults)
