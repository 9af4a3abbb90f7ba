"""Live statuses that nothing but time makes old."""

from __future__ import annotations

from evaluation_engine.service.evaluate.watching import turn


def test_hundreds_that_are_old_at_once_take_turns_and_each_gets_its_own() -> None:
    now = 1_000.0
    computed = {f"s{number}": float(number % 7) for number in range(200)}
    rounds = 0
    while due := turn(computed, now):
        assert len(due) <= 4, "the round of a change is never longer than that"
        assert max(computed[one] for one in due) <= min(
            (at for one, at in computed.items() if one not in due), default=now
        )
        computed |= dict.fromkeys(due, now)
        rounds += 1
    assert rounds == 50


def test_what_was_computed_within_a_minute_is_left_alone() -> None:
    assert turn({"fresh": 941.0, "old": 939.0}, 1_000.0) == ["old"]
