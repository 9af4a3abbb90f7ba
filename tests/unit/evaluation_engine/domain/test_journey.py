from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_engine.domain.journey import (
    ABANDONED,
    RANK,
    JourneyEvent,
    JourneyState,
    fold,
    fold_ordered,
    settle,
    silence_due_ms,
    union,
)
from tests.unit.evaluation_engine.domain.journeys import DAY, MINUTE, T0, event

pytestmark = pytest.mark.requirement("A4")


def state_of(*events: JourneyEvent) -> JourneyState:
    state = fold(events)
    assert state is not None
    return state


def cause_of(*events: JourneyEvent) -> str | None:
    end = state_of(*events).end
    return end.cause if end else None


any_event = st.builds(
    JourneyEvent,
    key=st.binary(min_size=1, max_size=1),
    payload_hash=st.integers(0, 2),
    kind=st.sampled_from(sorted(RANK)),
    at_ms=st.integers(0, 6),
    service=st.sampled_from(["permit", "tax"]),
    channel=st.sampled_from([None, "web", "phone"]),
    step=st.sampled_from([None, "form", "pay"]),
    segments=st.sampled_from([(), (("age", "18-25"),)]),
    observed_until_ms=st.sampled_from([None, 5, 9]),
)


def consistent(events: list[JourneyEvent]) -> list[JourneyEvent]:
    """One payload for one (key, hash), as the identity of events promises."""
    return list({(e.key, e.payload_hash): e for e in events}.values())


@settings(max_examples=300)
@given(st.lists(any_event, max_size=9), st.integers(0, 99), st.integers(0, 9))
def test_the_state_depends_on_the_set_of_events_only(events: list[JourneyEvent], seed: int, cut: int) -> None:
    events = consistent(events)
    shuffled = events * 2
    Random(seed).shuffle(shuffled)
    in_two_batches = fold_ordered(union(union((), shuffled[:cut]), shuffled[cut:]))
    assert fold(events) == fold(shuffled) == in_two_batches


@settings(max_examples=300)
@given(st.lists(any_event, max_size=9))
def test_whatever_comes_an_end_is_not_before_the_start_and_waits_are_not_negative(events: list[JourneyEvent]) -> None:
    state = fold(events)
    if state is None:
        assert all(e.kind != "started" for e in union(events, ()))
        return
    assert state.waiting_ms >= 0
    assert state.end is None or state.end.at_ms >= state.started_at_ms
    assert state.completed_at_ms is None or state.completed_at_ms >= state.started_at_ms
    assert not (state.excluded and state.end)


def test_nobody_owns_a_journey_before_its_start_is_seen() -> None:
    assert fold([event("step", 1, step="form"), event("fulfilled", 2)]) is None


def test_the_first_start_names_the_owner_and_another_service_is_a_hand_over() -> None:
    state = state_of(event("started", 5, service="tax"), event("started", 0), event("fulfilled", 9, service="tax"))
    assert (state.service, state.handovers, state.resumptions) == ("permit", 1, 0)


def test_a_stated_hand_over_is_not_counted_again_by_the_change_of_service() -> None:
    state = state_of(event("started"), event("handed_over", 1), event("step", 2, service="tax", step="check"))
    assert state.handovers == 1


def test_a_second_start_is_a_resumption_and_no_new_journey() -> None:
    state = state_of(event("started"), event("started", 10), event("fulfilled", 20))
    assert (state.started_at_ms, state.resumptions, state.first_attempt) == (T0, 1, False)


def test_their_part_being_done_is_not_the_outcome_having_arrived() -> None:
    state = state_of(event("started"), event("completed", 10))
    assert state.completed_at_ms == T0 + 10 * MINUTE
    assert state.end is None


@pytest.mark.parametrize("cause", ["fulfilled", "ineligible"])
def test_a_fulfilled_or_ineligible_outcome_completes_their_part(cause: str) -> None:
    assert state_of(event("started"), event(cause, 7)).completed_at_ms == T0 + 7 * MINUTE


@pytest.mark.parametrize("cause", ["refused", "withdrawn", "abandoned"])
def test_other_ends_do_not_complete_their_part(cause: str) -> None:
    assert state_of(event("started"), event(cause, 7)).completed_at_ms is None


def test_the_first_fulfilment_stands_whatever_comes_later() -> None:
    state = state_of(event("started"), event("fulfilled", 5), event("refused", 6), event("fulfilled", 9))
    assert state.end is not None
    assert (state.end.cause, state.end.at_ms, len(state.out_of_order)) == ("fulfilled", T0 + 5 * MINUTE, 2)


def test_an_appeal_that_is_won_turns_a_refusal_into_fulfilment() -> None:
    assert cause_of(event("started"), event("refused", 5), event("fulfilled", 50)) == "fulfilled"


def test_the_last_of_several_decisions_holds() -> None:
    assert cause_of(event("started"), event("ineligible", 5), event("refused", 6)) == "refused"


@pytest.mark.parametrize("cause", ["refused", "ineligible", "withdrawn", "abandoned"])
def test_an_end_is_undone_by_resuming(cause: str) -> None:
    assert cause_of(event("started"), event(cause, 5), event("resumed", 6)) is None


@pytest.mark.parametrize(("cause", "left"), [("refused", "refused"), ("abandoned", None)])
def test_a_later_step_undoes_abandonment_but_no_decision(cause: str, left: str | None) -> None:
    assert cause_of(event("started"), event(cause, 5), event("step", 6, step="form")) == left


def test_closing_the_tab_after_their_part_is_done_is_not_abandonment() -> None:
    assert cause_of(event("started"), event("completed", 5), event("abandoned", 6)) is None


def test_abandonment_takes_nothing_back_from_a_decision() -> None:
    assert cause_of(event("started"), event("refused", 5), event("abandoned", 6)) == "refused"


def test_silence_is_abandonment_after_the_limit_at_the_step_that_was_last_seen() -> None:
    state = state_of(event("started"), event("step", 1, step="form"), event("step", 2, step="pay"))
    due = T0 + 2 * MINUTE + 14 * DAY
    assert silence_due_ms(state, 14 * DAY) == due
    assert settle(state, now_ms=due - 1, limit_ms=14 * DAY) is None
    for now in (due, due + 5 * DAY):
        assert settle(state, now_ms=now, limit_ms=14 * DAY) == (ABANDONED, due, "pay", True)


def test_a_late_event_undoes_abandonment_by_silence() -> None:
    events = [event("started"), event("step", 1, step="form")]
    now = T0 + 15 * DAY
    assert settle(state_of(*events), now_ms=now, limit_ms=14 * DAY)
    assert settle(state_of(*events, event("resumed", 60 * 24 * 3)), now_ms=now, limit_ms=14 * DAY) is None


def test_nobody_is_silent_while_the_office_has_to_act() -> None:
    state = state_of(event("started"), event("completed", 1))
    assert silence_due_ms(state, DAY) is None
    assert settle(state, now_ms=T0 + 900 * DAY, limit_ms=DAY) is None


def test_what_an_import_observed_until_stands_for_now() -> None:
    state = state_of(event("started", observed_until_ms=T0 + DAY))
    assert settle(state, now_ms=T0 + 5000 * DAY, limit_ms=14 * DAY) is None


def test_an_end_before_its_start_is_a_fault_that_keeps_the_journey_out() -> None:
    state = state_of(event("started", 10), event("fulfilled", 3))
    assert (state.excluded, state.end, state.out_of_order) == (True, None, (("end_before_start", None),))
    assert settle(state, now_ms=T0 + 900 * DAY, limit_ms=DAY) is None


def test_a_usable_end_beside_a_faulty_one_keeps_the_journey_in() -> None:
    state = state_of(event("started", 10), event("fulfilled", 3), event("fulfilled", 30))
    assert not state.excluded
    assert state.out_of_order == (("end_before_start", None),)


def test_an_end_at_the_instant_of_its_start_is_valid() -> None:
    assert cause_of(event("fulfilled", 0), event("started", 0)) == "fulfilled"


@pytest.mark.parametrize("kind", ["error", "help_sought", "resumed"])
def test_help_an_error_or_a_resumption_end_the_first_attempt(kind: str) -> None:
    assert state_of(event("started"), event("fulfilled", 5)).first_attempt
    assert not state_of(event("started"), event(kind, 1), event("fulfilled", 5)).first_attempt


def test_waiting_for_the_citizen_ends_with_the_next_thing_that_happens() -> None:
    state = state_of(
        event("started"),
        event("waiting_for_citizen", 10),
        event("waiting_for_citizen", 20),
        event("handed_over", 25),
        event("step", 40, step="form"),
        event("waiting_for_citizen", 50),
        event("fulfilled", 55),
        event("waiting_for_citizen", 70),
    )
    assert (state.waits, state.waiting_ms) == (2, 35 * MINUTE)


def test_the_channel_is_the_first_at_the_start_and_the_last_at_the_end() -> None:
    state = state_of(
        event("started"),
        event("step", 1, channel="phone", step="form"),
        event("completed", 2, channel=None),
        event("step", 3, channel="counter", step="pay"),
        event("fulfilled", 4, channel=None),
    )
    assert (state.channel, state.completed_channel, state.end_channel) == ("web", "phone", "counter")


def test_steps_before_the_start_and_after_the_end_are_kept_and_told() -> None:
    state = state_of(
        event("step", 1, step="form"), event("started", 2), event("fulfilled", 4), event("step", 5, step="survey")
    )
    assert state.steps == ("form", "survey")
    assert state.out_of_order == (("before_start", "form"), ("after_end", "survey"))
    assert not state.excluded


def test_of_two_payloads_under_one_key_the_choice_does_not_depend_on_arrival() -> None:
    one, other = event("refused", 5, key=b"k"), event("fulfilled", 5, key=b"k")._replace(payload_hash=0)
    assert cause_of(event("started"), one, other) == cause_of(event("started"), other, one) == "fulfilled"
