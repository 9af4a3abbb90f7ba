"""A journey: one attempt of one person to get one outcome, whatever the channel.

The state is a function of the *set* of events: order of arrival and duplicates do not matter.

Order. Events are put in order of (instant, rank of kind, key). At the same instant a start comes
first, then what the person does, then `completed`, then the decisions, then `abandoned`; the
16-byte key decides between equals. Of two events with one key the smaller payload hash is kept.

Owner. The first `started` in that order names the service. Without a start nobody owns the
journey yet and it counts nowhere. A later `started` of the same service is a resumption; one of
another service is a hand-over.

End. The first `fulfilled` stands whatever comes later. Else the last of `refused`, `ineligible`
and `withdrawn` holds, unless it was `resumed` (or started anew) afterwards. `abandoned` holds only
while nothing else has ended the journey and their part is not done; any later event undoes it.
Silence counts as abandonment once the service's own limit has passed since the last event, unless
their part is done: then it is the office that is silent.

Out of order. An end before the start is kept out; if it was the only end, the whole journey is.
Other events before the start, and events after the end, are kept. All three are told with their step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

STARTED = "started"
RESUMED = "resumed"
STEP = "step"
ERROR = "error"
HELP_SOUGHT = "help_sought"
HANDED_OVER = "handed_over"
WAITING = "waiting_for_citizen"
COMPLETED = "completed"
FULFILLED = "fulfilled"
REFUSED = "refused"
INELIGIBLE = "ineligible"
WITHDRAWN = "withdrawn"
ABANDONED = "abandoned"

_DOING = (STARTED, RESUMED, STEP, ERROR, HELP_SOUGHT, HANDED_OVER, WAITING, COMPLETED)
_ENDING = (INELIGIBLE, WITHDRAWN, REFUSED, FULFILLED, ABANDONED)
RANK = {kind: rank for rank, kind in enumerate((*_DOING, *_ENDING))}
DECISIONS = frozenset({REFUSED, INELIGIBLE, WITHDRAWN})
ENDS = DECISIONS | {FULFILLED, ABANDONED}
CAUSES = (FULFILLED, REFUSED, WITHDRAWN, INELIGIBLE, ABANDONED)
_FINISHING = ENDS | {COMPLETED}
_STILL_WAITING = frozenset({WAITING, HANDED_OVER})

END_BEFORE_START = "end_before_start"
BEFORE_START = "before_start"
AFTER_END = "after_end"
OUT_OF_ORDER = (END_BEFORE_START, BEFORE_START, AFTER_END)


class JourneyEvent(NamedTuple):
    """One event as the fold needs it; `key` is its 16-byte identity, `kind` one of `RANK`."""

    key: bytes
    payload_hash: int
    kind: str
    at_ms: int
    service: str
    channel: str | None = None
    step: str | None = None
    language: str | None = None
    assisted: bool = False
    segments: tuple[tuple[str, str], ...] = ()
    observed_until_ms: int | None = None


class End(NamedTuple):
    """How and when a journey ended; `silent` when nobody said so."""

    cause: str
    at_ms: int
    step: str | None
    silent: bool


class JourneyState(NamedTuple):
    """What a set of events amounts to. Waits are in ms; `excluded` journeys have no usable end, only a faulty one.

    `out_of_order` names each event outside of start and end by one of `OUT_OF_ORDER`, and its step.
    """

    service: str
    started_at_ms: int
    channel: str | None
    language: str | None
    assisted: bool
    segments: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    errors: tuple[str | None, ...]
    help_sought: int
    resumptions: int
    handovers: int
    waits: int
    waiting_ms: int
    completed_at_ms: int | None
    completed_channel: str | None
    end: End | None
    end_channel: str | None
    out_of_order: tuple[tuple[str, str | None], ...]
    last_step: str | None
    last_channel: str | None
    last_at_ms: int
    observed_until_ms: int | None
    channels: int = 1

    @property
    def excluded(self) -> bool:
        """True when the only end lies before the start."""
        if self.end is not None or self.completed_at_ms is not None:
            return False
        return any(kind == END_BEFORE_START for kind, _ in self.out_of_order)

    @property
    def first_attempt(self) -> bool:
        """No help, no error, no resumption in this journey."""
        return not (self.errors or self.help_sought or self.resumptions)


def union(known: Iterable[JourneyEvent], more: Iterable[JourneyEvent]) -> list[JourneyEvent]:
    """The set of events, each key once, in order."""
    by_key: dict[bytes, JourneyEvent] = {}
    for events in (known, more):
        for event in events:
            other = by_key.setdefault(event.key, event)
            if event.payload_hash < other.payload_hash:
                by_key[event.key] = event
    return sorted(by_key.values(), key=_order)


def _order(event: JourneyEvent) -> tuple[int, int, bytes]:
    return event.at_ms, RANK[event.kind], event.key


def fold(events: Iterable[JourneyEvent]) -> JourneyState | None:
    """State of a journey, or None while no start has been seen.

    Raises:
        KeyError: a kind that is not in `RANK`.
    """
    return fold_ordered(union(events, ()))


def fold_ordered(ordered: list[JourneyEvent]) -> JourneyState | None:
    """`fold` of what `union` returned."""
    start = next((e for e in ordered if e.kind == STARTED), None)
    if start is None:
        return None
    channels = [e.channel for e in ordered if e.channel]
    languages = [e.language for e in ordered if e.language]
    steps = [e.step for e in ordered if e.step]
    end = _end_event(ordered, start.at_ms)
    completed = next((e for e in ordered if e.kind == COMPLETED and e.at_ms >= start.at_ms), None)
    finished = _earlier(completed, end)
    waits, waiting_ms = _waiting(ordered)
    resumptions, handovers = _returns(ordered, start)
    last = ordered[-1]
    return JourneyState(
        service=start.service,
        started_at_ms=start.at_ms,
        channel=start.channel or (channels[0] if channels else None),
        language=start.language or (languages[0] if languages else None),
        assisted=any(e.assisted for e in ordered),
        segments=_segments(ordered),
        steps=tuple(dict.fromkeys(steps)),
        errors=tuple([e.step for e in ordered if e.kind == ERROR]),
        help_sought=len([e for e in ordered if e.kind == HELP_SOUGHT]),
        resumptions=resumptions,
        handovers=handovers,
        waits=waits,
        waiting_ms=waiting_ms,
        completed_at_ms=finished.at_ms if finished else None,
        completed_channel=_channel_until(ordered, finished) if finished else None,
        end=_as_end(ordered, end) if end else None,
        end_channel=_channel_until(ordered, end) if end else None,
        out_of_order=_out_of_order(ordered, start, end),
        last_step=steps[-1] if steps else None,
        last_channel=channels[-1] if channels else None,
        last_at_ms=last.at_ms,
        observed_until_ms=_observed_until(ordered),
        channels=len(set(channels)),
    )


def silence_due_ms(state: JourneyState, limit_ms: int | None) -> int | None:
    """When silence will count as abandonment; None when it never will."""
    if limit_ms is None or state.end or state.completed_at_ms is not None or state.excluded:
        return None
    return state.last_at_ms + limit_ms


def settle(state: JourneyState, *, now_ms: int, limit_ms: int | None) -> End | None:
    """The end of a journey as of `now_ms`; what an import observed until stands for now.

    The answer changes with `now_ms` only when `silence_due_ms` passes, and then ends the journey
    at that instant, not at `now_ms`.
    """
    if state.end:
        return state.end
    due = silence_due_ms(state, limit_ms)
    seen_until = now_ms if state.observed_until_ms is None else state.observed_until_ms
    if due is None or seen_until < due:
        return None
    return End(ABANDONED, due, state.last_step, silent=True)


def _end_event(ordered: list[JourneyEvent], started_at_ms: int) -> JourneyEvent | None:
    end: JourneyEvent | None = None
    their_part_done = False
    for event in ordered:
        kind = event.kind
        if event.at_ms < started_at_ms:
            continue
        if kind == FULFILLED:
            return event
        if kind in DECISIONS:
            end = event
        elif kind == ABANDONED:
            end = end or (None if their_part_done else event)
        elif end is not None and (end.kind == ABANDONED or kind in (RESUMED, STARTED)):
            end = None
        their_part_done = their_part_done or kind == COMPLETED
    return end


def _out_of_order(
    ordered: list[JourneyEvent], start: JourneyEvent, end: JourneyEvent | None
) -> tuple[tuple[str, str | None], ...]:
    """What lies before the start and what lies after the end, each with its step."""
    found: list[tuple[str, str | None]] = []
    for event in ordered:
        if event.at_ms >= start.at_ms:
            break
        found.append((END_BEFORE_START if event.kind in _FINISHING else BEFORE_START, event.step))
    for event in reversed(ordered) if end else ():
        if event is end:
            break
        found.append((AFTER_END, event.step))
    return tuple(found)


def _earlier(completed: JourneyEvent | None, end: JourneyEvent | None) -> JourneyEvent | None:
    """When their part was done: `completed`, or an end that implies it."""
    if end is None or end.kind not in (FULFILLED, INELIGIBLE):
        return completed
    return end if completed is None or end.at_ms < completed.at_ms else completed


def _as_end(ordered: list[JourneyEvent], end: JourneyEvent) -> End:
    return End(end.kind, end.at_ms, _step_until(ordered, end), silent=False)


def _step_until(ordered: list[JourneyEvent], until: JourneyEvent) -> str | None:
    step: str | None = None
    for event in ordered:
        step = event.step or step
        if event is until:
            break
    return step


def _channel_until(ordered: list[JourneyEvent], until: JourneyEvent) -> str | None:
    channel: str | None = None
    for event in ordered:
        channel = event.channel or channel
        if event is until:
            break
    return channel


def _waiting(ordered: list[JourneyEvent]) -> tuple[int, int]:
    """Closed waits: from `waiting_for_citizen` to the next event that is neither a wait nor a hand-over."""
    since: int | None = None
    count = total = 0
    for event in ordered:
        if event.kind == WAITING:
            since = event.at_ms if since is None else since
        elif since is not None and event.kind not in _STILL_WAITING:
            count, total, since = count + 1, total + event.at_ms - since, None
    return count, total


def _returns(ordered: list[JourneyEvent], start: JourneyEvent) -> tuple[int, int]:
    """Resumptions, and hand-overs: said so, or seen by a change of service."""
    resumptions = handovers = 0
    service = start.service
    for event in ordered:
        if event.kind == RESUMED or (event.kind == STARTED and event is not start and event.service == start.service):
            resumptions += 1
        if event.kind == HANDED_OVER:
            handovers += 1
            service = ""
        elif event.service != service:
            handovers += service != ""
            service = event.service
    return resumptions, handovers


def _segments(ordered: list[JourneyEvent]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for event in ordered:
        for name, value in event.segments:
            found.setdefault(name, value)
    return tuple(sorted(found.items())) if found else ()


def _observed_until(ordered: list[JourneyEvent]) -> int | None:
    stated = [e.observed_until_ms for e in ordered if e.observed_until_ms is not None]
    return max(stated) if stated else None
