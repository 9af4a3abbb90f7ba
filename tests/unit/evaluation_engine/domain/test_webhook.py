"""Signatures by the Standard Webhooks specification, and when a delivery is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evaluation_engine.domain.webhook import WebhookEvent, headers, message_id, new_secret, signature, wait_after

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Secret, id, time and payload of the test vector that the reference libraries of the specification share."""


def test_the_signature_is_that_of_the_reference_libraries() -> None:
    found = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_rotating_a_message_has_a_signature_of_each_key() -> None:
    old, new = new_secret(), new_secret()
    made = headers([new, old], "msg_1", 1614265330, b"{}")
    assert made["webhook-signature"].split(" ") == [
        signature(new, "msg_1", 1614265330, b"{}"),
        signature(old, "msg_1", 1614265330, b"{}"),
    ]
    assert (made["webhook-id"], made["webhook-timestamp"]) == ("msg_1", "1614265330")


def test_any_change_of_id_time_or_payload_changes_the_signature() -> None:
    made = {signature(SECRET, *parts) for parts in [("a", 1, b"x"), ("b", 1, b"x"), ("a", 2, b"x"), ("a", 1, b"y")]}
    assert len(made) == 4


def test_a_subject_has_one_id_for_each_event() -> None:
    assert message_id(WebhookEvent.PROBLEM_OPENED, "1") == message_id(WebhookEvent.PROBLEM_OPENED, "1")
    assert message_id(WebhookEvent.PROBLEM_OPENED, "1") != message_id(WebhookEvent.PROBLEM_CLOSED, "1")
    assert "." not in message_id(WebhookEvent.PROBLEM_OPENED, "1")


def test_waits_grow_and_end_after_a_bit_more_than_three_days() -> None:
    waits: list[timedelta] = []
    while (wait := wait_after(len(waits) + 1)) is not None:
        waits.append(wait)
    assert waits == sorted(waits)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)


@pytest.mark.parametrize("attempts", [10, 11, 100])
def test_more_attempts_than_waits_are_given_up(attempts: int) -> None:
    assert wait_after(attempts) is None
