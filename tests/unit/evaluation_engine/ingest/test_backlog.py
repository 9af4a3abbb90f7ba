"""Records are given out in the order of their offsets, without a hole that the broker doesn't have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.consumers.backlog import Backlog
from tests.support.ingest import Sent, numbered


def backlog(*firsts: tuple[int, int]) -> Backlog:
    """A backlog of runs: first offset and length."""
    made = Backlog()
    for first, length in firsts:
        made.put(numbered([Sent(b"k", b"v")] * length, first))
    return made


def offsets(made: Backlog, expected: int, size: int = 100) -> list[int]:
    return [record.offset for record in made.take(expected, size)]


def test_records_are_given_out_in_portions() -> None:
    made = backlog((5, 4))

    assert offsets(made, 5, 3) == [5, 6, 7]
    assert offsets(made, 8) == [8]
    assert offsets(made, 9) == []


def test_records_before_the_position_are_dropped() -> None:
    assert offsets(backlog((0, 10)), 7) == [7, 8, 9]


def test_records_from_behind_a_hole_are_not_given_out() -> None:
    """As after a seek, when a fetch that was under way brings what came after the old position."""
    made = backlog((500, 3))

    assert offsets(made, 10) == []
    assert made.misses(10)
    made.clear()
    made.put(numbered([Sent(b"k", b"v")] * 2, 10))
    assert offsets(made, 10) == [10, 11]


def test_a_hole_is_believed_when_it_comes_again() -> None:
    made = backlog((12, 2))
    assert made.misses(10)
    made.clear()
    made.put(numbered([Sent(b"k", b"v")] * 2, 12))

    assert not made.misses(10)
    assert offsets(made, 10) == [12, 13]


def test_a_batch_ends_at_a_hole() -> None:
    made = backlog((0, 2), (5, 2))

    assert offsets(made, 0) == [0, 1]
    assert offsets(made, 2) == []
    assert made.misses(2)


def test_an_empty_backlog_misses_nothing() -> None:
    assert not Backlog().misses(3)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=6), st.integers(0, 40), st.integers(1, 9))
def test_what_is_given_out_is_without_holes(runs: list[tuple[int, int]], expected: int, size: int) -> None:
    made = backlog(*runs)
    given_out: list[int] = []
    while portion := offsets(made, expected, size):
        given_out += portion
        expected = portion[-1] + 1

    assert given_out == list(range(given_out[0], given_out[0] + len(given_out))) if given_out else True
