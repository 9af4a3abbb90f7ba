from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.accumulator import Measures, add, merge
from evaluation_engine.domain.contribution.address import Cell, Share, cells_of
from evaluation_engine.domain.contribution.answers import Answer, of_answer
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.contribution.context import COUNTING, FactContext
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.contribution.measurements import Measurement, of_measurement
from evaluation_engine.domain.journey import JourneyEvent, fold, settle
from evaluation_engine.domain.sketch import bin_of, centre_of
from tests.unit.evaluation_engine.domain.journeys import DAY, MINUTE, T0, event
from tests.unit.evaluation_engine.domain.test_journey import any_event, consistent

CONTEXT = FactContext(
    zone="Asia/Tehran",
    silence_limit_ms=14 * DAY,
    digital=frozenset({"web", "app"}),
    steps=frozenset({"form", "pay"}),
    languages=frozenset({"fa", "el"}),
    segments={"age": frozenset({"18-25"})},
)


def shares_of(events: list[JourneyEvent], now_ms: int = T0) -> tuple[Share, ...]:
    state = fold(events)
    if state is None:
        return ()
    return of_journey(state, settle(state, now_ms=now_ms, limit_ms=CONTEXT.silence_limit_ms), CONTEXT)


def totals(*shares: Share) -> Measures:
    return merge(share.measures for share in shares)


def test_a_fulfilled_journey_counts_where_it_started_and_where_it_ended() -> None:
    started, done, fulfilled = shares_of(
        [
            event("started", language="fa-IR", segments=(("age", "18-25"),)),
            event("step", 1, step="form"),
            event("completed", 2),
            event("fulfilled", 60 * 24 * 40, channel="phone"),
        ]
    )
    took = 40 * DAY
    assert started.measures == {
        "j.started": 1, "j.outcome": 1, "j.completed": 1, "j.fulfilled": 1, "j.first_time": 1,
        "step.form.reached": 1, "surv.start": 1, f"surv.fulfilled.{bin_of(took)}": 1,
        "dur.n": 1, "dur.sum": took, "dur.sumsq": took * took,
    }  # fmt: skip
    assert done.measures == {"e.completed": 1, "e.digital": 1}
    assert fulfilled.measures == {
        "e.fulfilled": 1, "e.dur.n": 1, "e.dur.sum": took, "e.dur.sumsq": took * took, f"e.dur.{bin_of(took)}": 1,
    }  # fmt: skip
    assert started.address.cuts == (
        "", "channel=web", "assisted=no", "language=fa", "segment.age=18-25",
        "channel=web|assisted=no", "channel=web|language=fa", "channel=web|segment.age=18-25",
    )  # fmt: skip
    assert "channel=phone" in fulfilled.address.cuts
    assert started.address.day != fulfilled.address.day


@pytest.mark.requirement("A4")
def test_assisted_digital_is_completed_but_not_digital() -> None:
    assert "e.digital" not in totals(*shares_of([event("started", assisted=True), event("completed", 1)]))
    assert "e.digital" not in totals(*shares_of([event("started"), event("completed", 1, channel="phone")]))


@pytest.mark.parametrize("kind", ["help_sought", "error", "resumed"])
def test_an_outcome_with_help_an_error_or_a_resumption_is_no_first_time_success(kind: str) -> None:
    found = totals(*shares_of([event("started"), event(kind, 1), event("fulfilled", 2)]))
    assert found["j.fulfilled"] == 1
    assert "j.first_time" not in found


def test_a_step_loses_nobody_who_was_refused_there() -> None:
    found = totals(*shares_of([event("started"), event("step", 1, step="form"), event("refused", 2)]))
    assert "step.form.abandoned" not in found


@pytest.mark.parametrize("cause", ["refused", "withdrawn", "ineligible"])
def test_every_end_is_an_outcome_with_its_cause_and_bin(cause: str) -> None:
    found = totals(*shares_of([event("started"), event(cause, 5)]))
    assert found["j.outcome"] == found[f"j.{cause}"] == found[f"surv.{cause}.{bin_of(5 * MINUTE)}"] == 1
    assert found.get("j.completed", 0) == (cause == "ineligible")
    assert "dur.n" not in found


def test_silence_counts_at_the_step_where_it_began() -> None:
    events = [event("started"), event("step", 1, step="form"), event("step", 2, step="unheard of"), event("error", 3)]
    events.append(event("error", 3, step="form"))
    open_yet = totals(*shares_of(events))
    given_up = totals(*shares_of(events, T0 + 15 * DAY))
    assert "j.outcome" not in open_yet
    assert given_up["step.form.abandoned"] == given_up["j.abandoned"] == 1
    assert given_up["step.other.reached"] == given_up["step.form.errors"] == 1


@pytest.mark.requirement("A4")
def test_a_journey_that_ends_before_it_starts_is_only_a_fault() -> None:
    assert [s.measures for s in shares_of([event("started", 9), event("fulfilled")])] == [
        {"j.started": 1, "j.fault": 1}
    ]


@pytest.mark.requirement("A4")
def test_events_out_of_order_are_counted_once_a_journey_and_once_a_step() -> None:
    def counted(*events: JourneyEvent) -> Measures:
        state = fold(events)
        assert state is not None
        found = totals(*of_journey(state, state.end, replace(CONTEXT, counting=COUNTING)))
        return {name: n for name, n in found.items() if name.startswith(("order.", "j.fault"))}

    late = [event("step", minute, step=step) for minute, step in ((11, "pay"), (12, "pay"), (13, "unheard of"))]
    assert counted(event("step", 1, step="form"), event("started", 2), event("fulfilled", 10), *late) == {
        "order.before_start": 1, "order.before_start.form": 1,
        "order.after_end": 1, "order.after_end.pay": 1, "order.after_end.other": 1,
    }  # fmt: skip
    assert counted(event("started", 9), event("fulfilled")) == {
        "j.fault": 1, "order.end_before_start": 1, "order.end_before_start.": 1
    }  # fmt: skip


def test_waits_and_times_of_journeys_that_change_hands_are_counted_apart_too() -> None:
    counting = replace(CONTEXT, counting=COUNTING)
    events = [event("started"), event("waiting_for_citizen", 10), event("step", 30, step="pay"), event("fulfilled", 90)]

    def apart(*more: JourneyEvent) -> Measures:
        state = fold([*events, *more])
        assert state is not None
        found = totals(*of_journey(state, state.end, counting))
        assert (found["wait.n"], found["wait.sum"]) == (1, 20 * MINUTE)
        return {name: n for name, n in found.items() if name.startswith("hand.")}

    assert apart() == {}
    handed_over = {"hand.n": 1, "hand.wait.n": 1, "hand.wait.sum": 20 * MINUTE}
    assert apart(event("handed_over", 40)) == handed_over | {"hand.dur.n": 1, "hand.dur.sum": 90 * MINUTE}
    assert apart(event("step", 50, service="registry"))["hand.n"] == 1


def test_unknown_values_are_other_and_unknown_segments_are_left_out() -> None:
    dimensions = CONTEXT.dimensions("sv", True, (("age", "99"), ("shoe", "44")))
    assert dimensions == (("assisted", "yes"), ("language", "other"), ("segment.age", "other"))


def test_cells_are_days_for_all_cuts_and_quarter_hours_for_total_and_channel() -> None:
    (share,) = shares_of([event("started", language="fa")])
    cells = list(cells_of(share.address))
    assert len(cells) == len(set(cells))
    by_grain = {grain: {c.cut for c in cells if c.grain == grain} for grain in ("quarter", "day")}
    assert by_grain["quarter"] == {"", "channel=web"}
    assert by_grain["day"] == set(share.address.cuts)
    no_channel = shares_of([event("started", channel=None)])[0]
    assert {c.cut for c in cells_of(no_channel.address) if c.grain == "quarter"} == {""}
    assert not [c for c in cells_of(share.address, quarters_from_ms=T0 + DAY) if c.grain == "quarter"]


@pytest.mark.requirement("P2")
@settings(max_examples=150)
@given(st.lists(any_event, max_size=8), st.integers(0, 99))
def test_aggregates_are_the_same_whatever_the_order_and_batching(events: list[JourneyEvent], seed: int) -> None:
    at_once = Batch()
    piecemeal: dict[Cell, Measures] = {}
    events = consistent(events)
    at_once.change((), shares_of(events))
    random = Random(seed)
    random.shuffle(events)
    seen: list[JourneyEvent] = []
    old: tuple[Share, ...] = ()
    for one in events:
        batch = Batch()
        seen.append(one)
        new = shares_of(seen)
        batch.change(old, new)
        for cell, change in batch.cells().items():
            add(piecemeal.setdefault(cell, {}), change)
        old = new
    assert {c: m for c, m in piecemeal.items() if m} == at_once.cells()


@pytest.mark.requirement("P2")
@settings(max_examples=100)
@given(st.lists(any_event, max_size=8), st.lists(any_event, max_size=4))
def test_what_survival_counts_stands_on_start_days_only_and_comes_out_as_it_went_in(
    events: list[JourneyEvent], more: list[JourneyEvent]
) -> None:
    def shares(known: list[JourneyEvent]) -> tuple[Share, ...]:
        state = fold(known)
        return () if state is None else of_journey(state, state.end, replace(CONTEXT, counting=COUNTING))

    known, all_ = consistent(events), consistent([*events, *more])
    batch, at_once = Batch(), Batch()
    batch.change((), shares(known))
    batch.change(shares(known), shares(all_))
    at_once.change((), shares(all_))
    assert batch.cells() == at_once.cells()
    assert all(c.grain == "day" for c, m in at_once.cells().items() if any(name.startswith("surv.") for name in m))
    batch.change(shares(all_), ())
    assert batch.cells() == {}


def test_open_journeys_are_known_by_the_hour_they_began_and_imported_ones_by_what_was_observed() -> None:
    counting = replace(CONTEXT, zone="UTC", counting=COUNTING)

    def survival(*events: JourneyEvent) -> tuple[Measures, Measures]:
        state = fold(events)
        assert state is not None
        _, counts, times, *_ = of_journey(state, state.end, counting)
        assert counts.address.cuts == ("", "channel=web", "assisted=no", "channel=web|assisted=no")
        assert times.address.cuts == ("", "channel=web")
        return counts.measures, times.measures

    at, within = "surv.open.1", 5 * MINUTE
    times = {at: 1, f"{at}.1": within, f"{at}.2": within**2}
    assert survival(event("started", 95)) == ({"surv.start": 1}, times)
    until = T0 + 9 * DAY
    counts, times = survival(event("started", 95, observed_until_ms=until))
    assert counts == {"surv.start": 1, f"surv.until.{until}": 1}
    assert times.keys() == {"surv.held.1", "surv.held.1.1", "surv.held.1.2"}
    took = 5 * DAY + 7
    name, away = f"surv.refused.{bin_of(took)}", took - centre_of(bin_of(took))
    ended = survival(event("started"), event("refused")._replace(at_ms=T0 + took))
    assert ended == ({"surv.start": 1, name: 1}, {f"{name}.1": away, f"{name}.2": away**2})


def test_what_did_not_change_touches_no_cell() -> None:
    batch = Batch()
    batch.change(
        shares_of([event("started"), event("step", 1, step="form")]),
        shares_of([event("started"), event("step", 1, step="form"), event("step", 2, step="form")]),
    )
    assert batch.cells() == {}


def test_an_answer_counts_what_was_answered_and_nothing_else() -> None:
    (share,) = of_answer(Answer("permit", T0, channel="web", rating=5, nps=0, task="partly", step="pay"), CONTEXT)
    assert share.measures == {"answers": 1, "rating.5": 1, "nps.0": 1, "task.partly": 1}
    assert {"step=pay", "channel=web|step=pay"} <= set(share.address.cuts)


def test_an_erased_answer_leaves_nothing() -> None:
    shares = of_answer(Answer("permit", T0, rating=3), CONTEXT)
    batch = Batch()
    batch.change((), shares)
    batch.change(shares, ())
    assert batch.cells() == {}


def test_a_measurement_at_an_instant_has_moments() -> None:
    (share,) = of_measurement(Measurement("permit", "cost", -12_500, T0, channel="web"), CONTEXT)
    assert share.measures == {"m.cost.n": 1, "m.cost.sum": -12_500, "m.cost.sumsq": 12_500**2}
    assert share.address.quarter == T0


@settings(max_examples=100)
@given(
    st.integers(-(10**9), 10**12),
    st.integers(0, 400 * DAY),
    st.integers(1, 400 * DAY),
    st.sampled_from(["Asia/Tehran", "Europe/Athens"]),
)
def test_a_period_is_spread_over_its_days_and_nothing_is_lost(milli: int, offset: int, length: int, zone: str) -> None:
    context = FactContext(zone, None, frozenset(), frozenset(), frozenset(), {})
    shares = of_measurement(Measurement("permit", "cost", milli, T0 + offset, T0 + offset + length), context)
    days = [s.address.day for s in shares]
    assert totals(*shares).get("m.cost.sum", 0) == milli
    assert all(23 * 60 * MINUTE <= b - a <= 25 * 60 * MINUTE for a, b in pairwise(days))
    assert days[0] <= T0 + offset < days[0] + 25 * 60 * MINUTE
    assert days[-1] < T0 + offset + length
    assert all(c == Cell("permit", "", c.grain, c.bucket_start_ms) for s in shares for c in cells_of(s.address))


@pytest.mark.requirement("A1")
def test_answers_to_questions_are_counted_by_their_value_and_what_was_not_offered_is_no_answer() -> None:
    answer = Answer(
        "permit",
        T0,
        "web",
        questions=(("clarity", 4), ("drivers", ("ease",)), ("task", "before")),
        offered=(("drivers", ("ease", "speed")),),
    )
    assert totals(*of_answer(answer, CONTEXT)) == {
        "answers": 1, "q.clarity.4": 1, "q.task.before": 1,
        "q.drivers.offered": 1, "q.drivers.ease.offered": 1, "q.drivers.speed.offered": 1, "q.drivers.ease.ticked": 1,
    }  # fmt: skip


def test_umux_lite_is_counted_for_people_who_answered_both_questions() -> None:
    both = Answer("permit", T0, "web", questions=(("umux-lite-capable", 7), ("umux-lite-easy", 6)))
    assert totals(*of_answer(both, CONTEXT))["q.umux-lite.11"] == 1
    one = Answer("permit", T0, "web", questions=(("umux-lite-capable", 7),))
    assert "q.umux-lite." not in str(totals(*of_answer(one, CONTEXT)))


def test_what_happened_on_the_way_is_counted_once_a_journey() -> None:
    counting = replace(CONTEXT, counting=COUNTING)
    events = [
        event("started"),
        event("error", 1),
        event("error", 2),
        event("help_sought", 3, channel="phone", assisted=True),
        event("help_sought", 4),
    ]
    state = fold(events)
    assert state is not None
    now = totals(*of_journey(state, None, counting))
    on_the_way = {"j.errored": 1, "j.helped": 1, "j.helped_again": 1, "j.assisted": 1, "j.switched": 1}
    assert on_the_way.items() <= now.items()
    assert not on_the_way.keys() & totals(*of_journey(state, None, CONTEXT)).keys()  # was counted without: comes out so
