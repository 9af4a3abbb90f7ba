"""What leaves for Kafka, what is told apart, and what a receipt is."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.contracts.feedback import MAX_COMMENT, FeedbackErased, FeedbackReceived
from feedback_api.domain.feedback import Identified, content_hash, identify
from feedback_api.domain.leaving import emptied, erased, received
from feedback_api.domain.receipt import from_text, receipt_of, to_text
from tests.unit.feedback_api.factories import NOW, make_submission

SECRET = b"a secret of at least 32 characters"


def identified(**overrides: Any) -> Identified:
    return identify(make_submission(**overrides), body="city", default_source="urn:test", new_id="n1")


def test_what_leaves_is_a_valid_event_without_contact() -> None:
    feedback = identified(contact="me@example.org", segments={"age": "18-25"}, nps=0, assisted_digital=True)
    payload = received(feedback, occurred_at=NOW)
    event = FeedbackReceived.model_validate(payload)
    assert event.feedback_id == feedback.key.hex()
    assert (event.rating, event.nps, event.effort, event.assisted_digital) == (4, 0, None, True)
    assert "contact" not in payload


def test_free_text_is_masked_before_it_leaves() -> None:
    feedback = identified(comment="call 2101234567", page="/form?mail=a@b.com", step="step 6912345678")
    payload = received(feedback, occurred_at=NOW)
    assert (payload["comment"], payload["page"]) == ("call [phone]", "/form?mail=[email]")
    assert payload["step"] == "step [phone]"
    FeedbackReceived.model_validate(payload)


def test_a_mask_that_is_longer_than_what_it_hides_still_fits() -> None:
    payload = received(identified(comment=("a@b.cc " * 1000)[:MAX_COMMENT]), occurred_at=NOW)
    comment = FeedbackReceived.model_validate(payload).comment
    assert comment is not None
    assert comment.startswith("[email] [email]")


def test_an_emptied_event_says_nothing_and_is_still_valid() -> None:
    payload = emptied(received(identified(comment="x", journey_id="j"), occurred_at=NOW))
    assert set(payload) == {"feedback_id", "service", "channel", "occurred_at"}
    FeedbackReceived.model_validate(payload)


def test_a_tombstone_has_its_original_s_key() -> None:
    feedback = identified()
    tombstone = FeedbackErased.model_validate(erased(feedback.feedback_id, "building-permit", erased_at=NOW))
    assert tombstone.key() == FeedbackReceived.model_validate(received(feedback, occurred_at=NOW)).key()


def test_the_same_content_has_the_same_hash_whatever_its_identity_and_offset() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=3, minutes=30)))
    assert content_hash(make_submission(id="a", occurred_at=NOW)) == content_hash(
        make_submission(id="b", source="s", occurred_at=there)
    )


@pytest.mark.parametrize(
    "change", [{"rating": 5}, {"comment": "x"}, {"contact": "x"}, {"occurred_at": NOW}, {"service": "other"}]
)
def test_any_change_of_content_changes_the_hash(change: dict[str, Any]) -> None:
    assert content_hash(make_submission(**change)) != content_hash(make_submission())


def test_a_receipt_is_the_same_for_a_retry_and_another_for_another_body_or_secret() -> None:
    key = identified().key
    receipt = receipt_of(SECRET, "city", key)
    assert receipt == receipt_of(SECRET, "city", key)
    assert len({receipt, receipt_of(SECRET, "town", key), receipt_of(SECRET + b"!", "city", key)}) == 3


@given(st.binary(min_size=20, max_size=20))
def test_a_receipt_can_be_typed_with_hyphens_blanks_and_capitals(receipt: bytes) -> None:
    text = to_text(receipt)
    spoken = "-".join(text[start : start + 4] for start in range(0, 32, 4)).upper()
    assert from_text(text) == from_text(f" {spoken} ") == receipt


@given(st.text(max_size=40))
def test_what_is_no_receipt_is_none_and_no_error(text: str) -> None:
    found = from_text(text)
    assert found is None or len(found) == 20
