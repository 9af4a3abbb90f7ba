"""What a journey adds."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.cohort import HELD, HOUR_MS, OPEN
from evaluation_engine.domain.contribution.address import Address, Share, address_of
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.journey import ABANDONED, FULFILLED, End, JourneyState
from evaluation_engine.domain.sketch import bin_of, centre_of

_WITH_TIMES = 2
"""From this way of counting on, survival knows times."""


def of_journey(state: JourneyState, end: End | None, context: FactContext) -> tuple[Share, ...]:
    """Shares of a journey that `settle` ended with `end` (None: still open)."""
    others = context.dimensions(state.language, state.assisted, state.segments)
    started = address_of(state.service, state.started_at_ms, state.channel, others, context)
    if state.excluded:
        return (Share(started, {"j.started": 1, "j.fault": 1} | _out_of_order(state, context)),)
    shares = [Share(started, _from_start(state, end, context))]
    if context.counting >= _WITH_TIMES:
        shares.extend(_survival(state, end, started))
    if state.completed_at_ms is not None:
        channel = state.completed_channel
        done = {"e.completed": 1}
        if channel in context.digital and not state.assisted:
            done["e.digital"] = 1
        shares.append(Share(address_of(state.service, state.completed_at_ms, channel, others, context), done))
    if end and end.cause == FULFILLED:
        address = address_of(state.service, end.at_ms, state.end_channel, others, context)
        shares.append(Share(address, _duration("e.dur", end.at_ms - state.started_at_ms)))
    return tuple(shares)


def _from_start(state: JourneyState, end: End | None, context: FactContext) -> Measures:
    found: Measures = {"j.started": 1}
    if context.counting < _WITH_TIMES:
        found["surv.start"] = 1
    if state.completed_at_ms is not None:
        found["j.completed"] = 1
    if state.waits:
        found["wait.n"] = state.waits
        found["wait.sum"] = state.waiting_ms
    if context.counting:
        _on_the_way(found, state)
    if context.counting >= _WITH_TIMES:
        found |= _handed_over(state, end) | _out_of_order(state, context)
    for step in dict.fromkeys(map(context.step, state.steps)):
        found[f"step.{step}.reached"] = 1
    for at_step in state.errors:
        if at_step:
            name = f"step.{context.step(at_step)}.errors"
            found[name] = found.get(name, 0) + 1
    if end:
        _ended(found, state, end, context)
    return found


def _handed_over(state: JourneyState, end: End | None) -> Measures:
    """Time and waits of a journey that changed hands, once more."""
    if not state.handovers:
        return {}
    found = {"hand.n": 1, "hand.wait.n": state.waits, "hand.wait.sum": state.waiting_ms}
    if end and end.cause == FULFILLED:
        found |= {"hand.dur.n": 1, "hand.dur.sum": end.at_ms - state.started_at_ms}
    return found


def _out_of_order(state: JourneyState, context: FactContext) -> Measures:
    """One for each kind, and one for each kind and step; without a step it is named by the dot alone."""
    if not state.out_of_order or context.counting < _WITH_TIMES:
        return {}
    named = ((kind, context.step(step) if step else "") for kind, step in state.out_of_order)
    return {name: 1 for kind, step in named for name in (f"order.{kind}", f"order.{kind}.{step}")}


def _on_the_way(found: Measures, state: JourneyState) -> None:
    if state.errors:
        found["j.errored"] = 1
    if state.help_sought:
        found["j.helped"] = 1
        if state.help_sought > 1:
            found["j.helped_again"] = 1
    if state.assisted:
        found["j.assisted"] = 1
    if state.channels > 1:
        found["j.switched"] = 1


def _ended(found: Measures, state: JourneyState, end: End, context: FactContext) -> None:
    duration = end.at_ms - state.started_at_ms
    found["j.outcome"] = 1
    found[f"j.{end.cause}"] = 1
    if context.counting < _WITH_TIMES:
        found[f"surv.{end.cause}.{bin_of(duration)}"] = 1
    if end.cause == FULFILLED:
        found["dur.n"] = 1
        found["dur.sum"] = duration
        found["dur.sumsq"] = duration * duration
        if state.first_attempt:
            found["j.first_time"] = 1
    elif end.cause == ABANDONED and end.step:
        found[f"step.{context.step(end.step)}.abandoned"] = 1


def _survival(state: JourneyState, end: End | None, started: Address) -> Iterator[Share]:
    """What `cohort` reads, on the start day; the sums of times for the total and the channel only."""
    counts: Measures = {"surv.start": 1}
    times: Measures = {}
    until = state.observed_until_ms
    if until is not None:
        counts[f"surv.until.{until}"] = 1
    if end:
        duration = end.at_ms - state.started_at_ms
        bin_ = bin_of(duration)
        name, distance = f"surv.{end.cause}.{bin_}", duration - centre_of(bin_)
        counts[name] = 1
    else:
        hour, within = divmod(state.started_at_ms - started.day, HOUR_MS)
        name, distance = f"surv.{OPEN if until is None else HELD}.{hour}", within - HOUR_MS // 2
        times[name] = 1
    times[f"{name}.1"] = distance
    times[f"{name}.2"] = distance * distance
    cuts = started.cuts
    yield Share(Address(state.service, cuts, None, started.day), counts)
    yield Share(Address(state.service, cuts[: 1 if state.channel is None else 2], None, started.day), times)


def _duration(prefix: str, duration: int) -> Measures:
    squared = duration * duration
    return {
        "e.fulfilled": 1,
        f"{prefix}.n": 1,
        f"{prefix}.sum": duration,
        f"{prefix}.sumsq": squared,
        f"{prefix}.{bin_of(duration)}": 1,
    }
