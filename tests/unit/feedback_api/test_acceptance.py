"""Which submissions are taken."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from civiloop_shared.contracts.catalogue import ServiceDefined
from civiloop_shared.contracts.feedback import FeedbackKind
from civiloop_shared.contracts.values import Channel
from feedback_api.domain.acceptance import faults_of, faults_of_observed_until
from feedback_api.domain.feedback import Submission
from tests.unit.feedback_api.factories import NOW, make_service, make_submission


def fields(
    submission: Submission, *, service: ServiceDefined | None = None, observed_until: datetime | None = None
) -> list[str]:
    found = faults_of(submission, service or make_service(), now=NOW, observed_until=observed_until)
    return [fault.field for fault in found]


def test_a_plain_submission_is_taken() -> None:
    assert fields(make_submission(segments={"age": "18-25"}, occurred_at=NOW)) == []


def test_a_channel_that_the_service_does_not_have_is_refused() -> None:
    assert fields(make_submission(channel=Channel.KIOSK)) == ["channel"]


@pytest.mark.parametrize("segments", [{"income": "low"}, {"age": "99"}])
def test_only_declared_segments_are_taken(segments: dict[str, str]) -> None:
    assert fields(make_submission(segments=segments)) == [f"segments.{next(iter(segments))}"]


@pytest.mark.parametrize(
    ("age", "refused"),
    [
        (timedelta(minutes=-5), False),
        (timedelta(minutes=-6), True),
        (timedelta(days=14), False),
        (timedelta(days=14, seconds=1), True),
    ],
)
def test_the_future_and_the_ancient_are_refused(age: timedelta, refused: bool) -> None:
    assert fields(make_submission(occurred_at=NOW - age)) == (["occurred_at"] if refused else [])


def test_the_service_says_how_old_is_too_old() -> None:
    three_days_ago = make_submission(occurred_at=NOW - timedelta(days=3))
    assert fields(three_days_ago, service=make_service(oldest_event_days=2)) == ["occurred_at"]


def test_an_import_may_be_of_any_age_but_not_after_its_observation() -> None:
    observed_until = NOW - timedelta(days=4000)
    old = make_submission(occurred_at=observed_until - timedelta(days=1))
    after = make_submission(occurred_at=observed_until + timedelta(seconds=1))
    assert fields(old, observed_until=observed_until) == []
    assert fields(after, observed_until=observed_until) == ["occurred_at"]
    assert fields(make_submission(), observed_until=observed_until) == ["occurred_at"]


def test_an_observation_does_not_end_in_the_future() -> None:
    assert faults_of_observed_until(NOW, NOW) == ()
    assert faults_of_observed_until(NOW + timedelta(hours=1), NOW)[0].field == "observed_until"


def test_a_submission_answers_at_least_one_question() -> None:
    assert fields(make_submission(rating=None)) == ["rating"]
    assert fields(make_submission(rating=None, comment="x")) == []
    assert fields(make_submission(rating=None, nps=0)) == []


def test_a_complaint_needs_no_words_and_takes_no_scores() -> None:
    assert fields(make_submission(kind=FeedbackKind.COMPLAINT, rating=None, comment=None)) == []
    assert fields(make_submission(kind=FeedbackKind.COMPLAINT, rating=1, nps=0)) == ["rating", "nps"]
