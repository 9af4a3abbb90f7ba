"""What one journey, answer or measurement adds to the aggregates.

A contribution is a list of shares; a share is one map of measures and the address of every cell
it goes to. A journey has a share where it started (channel = first), one where their part was
done and one where it was fulfilled (channel = last). Changing a fact takes its old shares out and
puts the new ones in: `Batch` nets that before anything is spread over cells, so that most events
touch two or three numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import DAY_MS, MINUTE_MS, Grain, calendar, quarter_start
from evaluation_engine.domain.cohort import HELD, HOUR_MS, OPEN
from evaluation_engine.domain.comments.extraction import CommentRecord, measures_of
from evaluation_engine.domain.journey import ABANDONED, FULFILLED, End, JourneyState
from evaluation_engine.domain.questions import AnswerValue, count_answers
from evaluation_engine.domain.samples import Samples, moments_of, over_days
from evaluation_engine.domain.sketch import bin_of, centre_of

OTHER = "other"

Minutes = tuple[tuple[str, tuple[str, ...]], ...]
"""What is kept by the minute: cuts, each with the measures, or their beginnings."""

COUNTING = 2
"""Which measures a fact adds. A fact keeps the number that it was counted by: what went in must come out again.

1 (since packs): j.errored, j.helped, j.helped_again, j.assisted, j.switched.
2 (since survival knows times): surv.* by start day only, with sums of times; order.*, hand.*.
"""
_WITH_TIMES = 2


@dataclass(frozen=True, slots=True)
class FactContext:
    """What of the catalogue a fact is counted by, frozen when it is first seen."""

    zone: str
    silence_limit_ms: int | None
    digital: frozenset[str]
    steps: frozenset[str]
    languages: frozenset[str]
    segments: Mapping[str, frozenset[str]]
    counting: int = 0
    minutes: Minutes = ()

    def step(self, name: str) -> str:
        """A known step, or `other`."""
        return name if name in self.steps else OTHER

    def dimensions(
        self, language: str | None, assisted: bool, segments: Iterable[tuple[str, str]]
    ) -> tuple[tuple[str, str], ...]:
        """Dimensions beside the channel; unknown languages and values are `other`, unknown segments are left out."""
        found = [("assisted", "yes" if assisted else "no")]
        if language:
            found.append(("language", self._language(language)))
        for name, value in segments:
            known = self.segments.get(name)
            if known is not None:
                found.append((f"segment.{name}", value if value in known else OTHER))
        return tuple(found)

    def _language(self, tag: str) -> str:
        if tag in self.languages:
            return tag
        primary = tag.partition("-")[0].lower()
        return primary if primary in self.languages else OTHER


class Cell(NamedTuple):
    """Where a number is kept."""

    service: str
    cut: str
    grain: Grain
    bucket_start_ms: int


class Address(NamedTuple):
    """All the cells that one share goes to, unexpanded; `quarter` is None where there is no instant.

    `minute` is given where its service is watched by the minute, `kept` says what of it.
    """

    service: str
    cuts: tuple[str, ...]
    quarter: int | None
    day: int
    month: int | None
    minute: int | None = None
    kept: Minutes = ()


class Share(NamedTuple):
    """One map of measures and where it goes."""

    address: Address
    measures: Measures


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer set, or a complaint; a question that was not answered is None."""

    service: str
    at_ms: int
    channel: str | None = None
    language: str | None = None
    step: str | None = None
    assisted: bool = False
    segments: tuple[tuple[str, str], ...] = ()
    rating: int | None = None
    nps: int | None = None
    effort: int | None = None
    task: str | None = None
    questions: tuple[tuple[str, AnswerValue], ...] = ()
    offered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    complaint: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """A named value in thousandths of its unit, at an instant or spread over `[at_ms, until_ms)`.

    Where it has `samples` it is a distribution, and `milli` is their sum.
    """

    service: str
    name: str
    milli: int
    at_ms: int
    until_ms: int | None = None
    channel: str | None = None
    samples: Samples = ()


@lru_cache(maxsize=8192)
def cuts_of(channel: str | None, others: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Total, the channel, each other dimension, and channel x each other: total and channel come first."""
    alone = tuple(f"{name}={value}" for name, value in others)
    if channel is None:
        return ("", *alone)
    at = f"channel={channel}"
    return ("", at, *alone, *(f"{at}|{cut}" for cut in alone))


def of_journey(state: JourneyState, end: End | None, context: FactContext) -> tuple[Share, ...]:
    """Shares of a journey that `settle` ended with `end` (None: still open)."""
    others = context.dimensions(state.language, state.assisted, state.segments)
    started = _address(state.service, state.started_at_ms, state.channel, others, context)
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
        shares.append(Share(_address(state.service, state.completed_at_ms, channel, others, context), done))
    if end and end.cause == FULFILLED:
        address = _address(state.service, end.at_ms, state.end_channel, others, context)
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
    yield Share(Address(state.service, cuts, None, started.day, None), counts)
    yield Share(Address(state.service, cuts[: 1 if state.channel is None else 2], None, started.day, None), times)


def _duration(prefix: str, duration: int) -> Measures:
    squared = duration * duration
    return {
        "e.fulfilled": 1,
        f"{prefix}.n": 1,
        f"{prefix}.sum": duration,
        f"{prefix}.sumsq": squared,
        f"{prefix}.{bin_of(duration)}": 1,
    }


def of_answer(answer: Answer, context: FactContext, comment: CommentRecord | None = None) -> tuple[Share, ...]:
    """The share of an answer set or a complaint, with what its comment is about."""
    others = context.dimensions(answer.language, answer.assisted, answer.segments)
    if answer.step:
        others += (("step", context.step(answer.step)),)
    measures = {"complaints" if answer.complaint else "answers": 1}
    for name, value in (("rating", answer.rating), ("nps", answer.nps), ("effort", answer.effort)):
        if value is not None:
            measures[f"{name}.{value}"] = 1
    if answer.task is not None:
        measures[f"task.{answer.task}"] = 1
    if answer.questions:
        count_answers(measures, answer.questions, dict(answer.offered))
    if comment is not None:
        measures |= measures_of(comment, answer.rating)
    return (Share(_address(answer.service, answer.at_ms, answer.channel, others, context), measures),)


def of_measurement(measurement: Measurement, context: FactContext) -> tuple[Share, ...]:
    """One share, or one for each local day that the period touches; the parts add up to the whole exactly.

    `n` counts day shares: it says that the value is measured on that day.
    """
    if measurement.until_ms is None:
        address = _address(measurement.service, measurement.at_ms, measurement.channel, (), context)
        return (Share(address, next(_day_by_day(measurement, [1]))),)
    days = _days(measurement.at_ms, measurement.until_ms, context)
    in_zone, cuts = calendar(context.zone), cuts_of(measurement.channel, ())
    addresses = (Address(measurement.service, cuts, None, day, in_zone.month_start(day)) for day, _ in days)
    parts = _day_by_day(measurement, [length for _, length in days])
    return tuple(Share(address, part) for address, part in zip(addresses, parts, strict=True))


def _days(begin: int, until_ms: int, context: FactContext) -> list[tuple[int, int]]:
    """The local days that a period touches, with the milliseconds of it that lie in each."""
    in_zone = calendar(context.zone)
    found: list[tuple[int, int]] = []
    day = in_zone.day_start(begin)
    while day < until_ms:
        following = in_zone.day_start(day + DAY_MS + DAY_MS // 4)
        found.append((day, min(following, until_ms) - max(day, begin)))
        day = following
    return found


def _day_by_day(measurement: Measurement, lengths: list[int]) -> Iterator[Measures]:
    """What each day gets of a measurement; a distribution is divided into whole samples."""
    if measurement.samples:
        yield from (moments_of(measurement.name, part) for part in over_days(measurement.samples, lengths))
        return
    whole, passed, given = sum(lengths), 0, 0
    for length in lengths:
        passed += length
        upto = measurement.milli * passed // whole
        yield _moments(measurement.name, upto - given)
        given = upto


def _moments(name: str, milli: int) -> Measures:
    return {f"m.{name}.n": 1, f"m.{name}.sum": milli, f"m.{name}.sumsq": milli * milli}


def _address(
    service: str, at_ms: int, channel: str | None, others: tuple[tuple[str, str], ...], context: FactContext
) -> Address:
    day, month = calendar(context.zone).day_and_month(at_ms)
    cuts, quarter = cuts_of(channel, others), quarter_start(at_ms)
    if context.minutes:
        return Address(service, cuts, quarter, day, month, at_ms - at_ms % MINUTE_MS, context.minutes)
    return Address(service, cuts, quarter, day, month)


class Batch:
    """Nets the shares of many facts, then spreads what is left over the cells.

    Minutes that begin before `minutes_from_ms` are left out.
    """

    __slots__ = ("_changes", "_minutes_from_ms")

    def __init__(self, *, minutes_from_ms: int = 0) -> None:
        self._changes: dict[Address, Measures] = {}
        self._minutes_from_ms = minutes_from_ms

    def change(self, old: Iterable[Share], new: Iterable[Share]) -> None:
        """Take the old shares of a fact out and put the new ones in."""
        for address, measures in new:
            self._add(address, measures, 1)
        for address, measures in old:
            self._add(address, measures, -1)

    def _add(self, address: Address, measures: Mapping[str, int], sign: int) -> None:
        if address.minute is not None and address.minute < self._minutes_from_ms:
            address = Address(*address[:5])
        into = self._changes.get(address)
        if into is None:
            into = self._changes[address] = {}
        for name, amount in measures.items():
            into[name] = into.get(name, 0) + sign * amount

    def cells(self, *, quarters_from_ms: int = 0) -> dict[Cell, Measures]:
        """Change of every cell, zeros dropped; quarter hours that begin before `quarters_from_ms` are left out.

        Quarter hours are summed to days, and days to months, before they are spread over the cuts: the cells of
        `cells_of`, with far fewer additions.
        """
        found: dict[Cell, Measures] = {}
        days: dict[tuple[str, tuple[str, ...], int, int | None], Measures] = {}
        months: dict[tuple[str, tuple[str, ...], int], Measures] = {}
        for address, changes in self._changes.items():
            kept = {name: amount for name, amount in changes.items() if amount}
            for cell in quarters_of(address, quarters_from_ms=quarters_from_ms):
                _merge_into(found, cell, kept)
            for cell, part in minutes_of(address, kept):
                _merge_into(found, cell, part)
            _merge_into(days, (address.service, address.cuts, address.day, address.month), kept)
        for (service, cuts, day, month), kept in days.items():
            for cut in cuts:
                _merge_into(found, Cell(service, cut, "day", day), kept)
            if month is not None:
                _merge_into(months, (service, cuts, month), kept)
        for (service, cuts, month), kept in months.items():
            for cut in cuts:
                _merge_into(found, Cell(service, cut, "month", month), kept)
        return {cell: measures for cell, measures in found.items() if measures}


def cells_of(address: Address, *, quarters_from_ms: int = 0) -> Iterator[Cell]:
    """Every cell of an address: day and month for all cuts, quarter hour for total and channel."""
    for cut in address.cuts:
        yield Cell(address.service, cut, "day", address.day)
        if address.month is not None:
            yield Cell(address.service, cut, "month", address.month)
    yield from quarters_of(address, quarters_from_ms=quarters_from_ms)


def quarters_of(address: Address, *, quarters_from_ms: int = 0) -> Iterator[Cell]:
    """Every quarter-hour cell of an address."""
    service, cuts, quarter = address[:3]
    if quarter is not None and quarter >= quarters_from_ms:
        yield Cell(service, "", "quarter", quarter)
        if len(cuts) > 1 and cuts[1].startswith("channel="):
            yield Cell(service, cuts[1], "quarter", quarter)


def minutes_of(address: Address, changes: Measures) -> Iterator[tuple[Cell, Measures]]:
    """What of changes is kept by the minute, by its cell."""
    if address.minute is None:
        return
    for cut, beginnings in address.kept:
        if cut in address.cuts:
            part = {name: amount for name, amount in changes.items() if name.startswith(beginnings)}
            if part:
                yield Cell(address.service, cut, "minute", address.minute), part


K = TypeVar("K")


def _merge_into(found: dict[K, Measures], cell: K, change: Measures) -> None:
    into = found.get(cell)
    if into is None:
        found[cell] = change.copy()
        return
    for name, amount in change.items():
        total = into.get(name, 0) + amount
        if total:
            into[name] = total
        else:
            del into[name]
