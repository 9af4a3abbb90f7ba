"""What is kept by the minute is what a recomputation from the events gives, in whatever order they came."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import Measures, add
from evaluation_engine.domain.buckets import MINUTE_MS
from evaluation_engine.domain.contribution.address import Cell, Share
from evaluation_engine.domain.contribution.answers import Answer, of_answer
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.contribution.context import COUNTING, FactContext, Minutes
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.contribution.measurements import Measurement, of_measurement
from evaluation_engine.domain.journey import JourneyEvent, fold, settle
from tests.unit.evaluation_engine.domain.journeys import T0, event
from tests.unit.evaluation_engine.domain.test_contribution import CONTEXT
from tests.unit.evaluation_engine.domain.test_journey import any_event, consistent

ERRORS = ("j.errored", "j.fault", "j.started")
KEPT: Minutes = (("", (*ERRORS, "e.dur.", "m.up-seconds.n", "rating.")), ("channel=web", ERRORS))
WATCHED = replace(CONTEXT, counting=COUNTING, minutes=KEPT)


def shares_of(events: list[JourneyEvent], context: FactContext = WATCHED) -> tuple[Share, ...]:
    state = fold(events)
    if state is None:
        return ()
    return of_journey(state, settle(state, now_ms=T0, limit_ms=context.silence_limit_ms), context)


def minutes(batch: Batch) -> dict[Cell, Measures]:
    return {cell: measures for cell, measures in batch.cells().items() if cell.grain == "minute"}


def recomputed(shares: tuple[Share, ...]) -> dict[Cell, Measures]:
    """The ring from its definition: each share in the minute of its instant, what is wanted of it by cut."""
    found: dict[Cell, Measures] = {}
    for share in shares:
        for cut, wanted in KEPT:
            if share.address.minute is not None and cut in share.address.cuts:
                cell = Cell(share.address.service, cut, "minute", share.address.minute)
                add(found.setdefault(cell, {}), {k: v for k, v in share.measures.items() if k.startswith(wanted)})
    return {cell: measures for cell, measures in found.items() if measures}


@pytest.mark.requirement("P2")
@settings(max_examples=150)
@given(st.lists(any_event, max_size=8), st.integers(0, 99))
def test_the_ring_is_the_same_whatever_the_order_and_batching(events: list[JourneyEvent], seed: int) -> None:
    events = consistent(events)
    at_once = Batch()
    at_once.change((), shares_of(events))
    dice = Random(seed)
    dice.shuffle(events)
    piecemeal: dict[Cell, Measures] = {}
    seen: list[JourneyEvent] = []
    old: tuple[Share, ...] = ()
    for one in events:
        batch = Batch()
        seen.append(one)
        new = shares_of(seen)
        batch.change(old, new)
        for cell, change in minutes(batch).items():
            add(piecemeal.setdefault(cell, {}), change)
        old = new
    assert {cell: found for cell, found in piecemeal.items() if found} == minutes(at_once) == recomputed(old)


def test_a_share_lies_in_the_minute_of_its_instant_with_what_is_wanted_of_it() -> None:
    batch = Batch()
    batch.change((), shares_of([event("started", 3.5), event("error", 4), event("fulfilled", 9.9, channel="phone")]))
    found = minutes(batch)
    start, end = T0 + 3 * MINUTE_MS, T0 + 9 * MINUTE_MS
    assert found[Cell("permit", "", "minute", start)] == {"j.started": 1, "j.errored": 1}
    assert found[Cell("permit", "channel=web", "minute", start)] == {"j.started": 1, "j.errored": 1}
    assert found[Cell("permit", "", "minute", end)]["e.dur.n"] == 1
    assert len(found) == 3


def test_an_error_that_comes_later_is_put_into_the_minute_of_the_start() -> None:
    begun = [event("started", 3)]
    batch = Batch()
    batch.change(shares_of(begun), shares_of([*begun, event("error", 70)]))
    at = T0 + 3 * MINUTE_MS
    assert minutes(batch) == {Cell("permit", cut, "minute", at): {"j.errored": 1} for cut in ("", "channel=web")}


def test_what_is_older_than_the_ring_leaves_it_alone_and_counts_everywhere_else() -> None:
    shares = shares_of([event("started", 3), event("error", 4)])
    old, new = Batch(minutes_from_ms=T0 + 4 * MINUTE_MS), Batch(minutes_from_ms=T0 + 3 * MINUTE_MS)
    old.change((), shares)
    new.change((), shares)
    assert (len(minutes(old)), len(minutes(new))) == (0, 2)
    assert {c: m for c, m in new.cells().items() if c.grain != "minute"} == old.cells()


def test_a_fact_that_was_counted_before_its_service_was_watched_leaves_the_ring_alone() -> None:
    events = [event("started", 3)]
    before = replace(WATCHED, minutes=())
    batch = Batch()
    batch.change(shares_of(events, before), shares_of([*events, event("error", 4)], before))
    assert batch.cells()
    assert not minutes(batch)


def test_answers_and_measurements_at_an_instant_have_their_minute_and_those_over_a_period_have_none() -> None:
    batch = Batch()
    batch.change((), of_answer(Answer("permit", T0 + 61_000, rating=2), WATCHED))
    batch.change((), of_measurement(Measurement("permit", "up-seconds", 60_000, T0), WATCHED))
    batch.change((), of_measurement(Measurement("permit", "up-seconds", 5, T0, T0 + 10 * MINUTE_MS), WATCHED))
    assert minutes(batch) == {
        Cell("permit", "", "minute", T0): {"m.up-seconds.n": 1},
        Cell("permit", "", "minute", T0 + MINUTE_MS): {"rating.2": 1},
    }
