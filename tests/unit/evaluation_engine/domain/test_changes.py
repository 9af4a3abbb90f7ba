"""What a batch writes down says the same as the batch, and adds up in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.buckets import DAY_MS, MINUTE_MS, QUARTER_MS
from evaluation_engine.domain.contribution.address import Address, Cell, Share, cells_of, cuts_of
from evaluation_engine.domain.contribution.batch import Batch

KEPT = (("", ("j.started", "rating.")), ("channel=web", ("j.",)))
NAMES = st.sampled_from(["j.started", "rating.5", "dur.sumsq", 'odd "name", é', "surv.open.3"])
AMOUNTS = st.integers(-5, 5) | st.sampled_from([2**63, -(2**70)])
CUTS = st.builds(cuts_of, st.sampled_from([None, "web", "app"]), st.sampled_from([(), (("language", "el"),)]))


@st.composite
def shares(draw: st.DrawFn) -> Share:
    service = draw(st.sampled_from(["permit", "tax"]))
    at = draw(st.integers(0, 40)) * 5 * MINUTE_MS
    quarter = draw(st.sampled_from([None, at - at % QUARTER_MS]))
    minute = None if quarter is None else draw(st.sampled_from([None, at]))
    address = Address(service, draw(CUTS), quarter, at - at % DAY_MS, minute, () if minute is None else KEPT)
    return Share(address, draw(st.dictionaries(NAMES, AMOUNTS, max_size=3)))


BATCHES = st.lists(st.lists(shares(), max_size=6), max_size=4)


@given(BATCHES)
def test_batches_that_were_written_down_add_up_to_one_that_was_not(parts: list[list[Share]]) -> None:
    at_once, read_back = Batch(), Batch()
    for part in parts:
        batch = Batch()
        batch.change((), part)
        at_once.change((), part)
        for service, text in batch.written().items():
            read_back.take(service, text)
    assert read_back.cells() == at_once.cells()
    assert read_back.written().keys() == at_once.written().keys()


@given(st.lists(shares(), max_size=8))
def test_the_cells_are_those_of_the_addresses(part: list[Share]) -> None:
    batch = Batch()
    batch.change((), part)
    expected: dict[Cell, Measures] = {}
    for address, measures in part:
        for cell in cells_of(address):
            add(expected.setdefault(cell, {}), measures)
    found = {cell: measures for cell, measures in batch.cells().items() if cell.grain != "minute"}
    assert found == {cell: measures for cell, measures in expected.items() if measures}


@given(st.lists(shares(), max_size=8))
def test_what_is_taken_out_again_leaves_no_text(part: list[Share]) -> None:
    batch = Batch()
    batch.change((), part)
    batch.change(part, ())
    assert batch.written() == {}
    assert batch.cells() == {}


def test_old_quarter_hours_and_minutes_are_left_out_and_their_day_is_not() -> None:
    batch = Batch(quarters_from_ms=QUARTER_MS, minutes_from_ms=QUARTER_MS + MINUTE_MS)
    for minute in (0, QUARTER_MS, QUARTER_MS + MINUTE_MS):
        address = Address("permit", ("",), minute - minute % QUARTER_MS, 0, minute, KEPT)
        batch.change((), [Share(address, {"j.started": 1})])
    assert batch.cells() == {
        Cell("permit", "", "day", 0): {"j.started": 3},
        Cell("permit", "", "quarter", QUARTER_MS): {"j.started": 2},
        Cell("permit", "", "minute", QUARTER_MS + MINUTE_MS): {"j.started": 1},
    }


def test_whoever_takes_a_text_learns_which_days_it_changed() -> None:
    batch = Batch()
    batch.change((), [Share(Address("permit", ("",), None, day), {"a": 1}) for day in (0, DAY_MS)])
    assert Batch().take("permit", batch.written()["permit"]) == {0, DAY_MS}
