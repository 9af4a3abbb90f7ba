"""What can't be trusted in the numbers of a service, one check a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from civiloop_shared.contracts.evaluations import KpiResult, ResultState
from evaluation_engine.domain.evidence import Sources
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.journey import AFTER_END, BEFORE_START, OUT_OF_ORDER
from evaluation_engine.domain.kpi import Need
from evaluation_engine.domain.quality.flood import flood

Numbers = Mapping[str, float | int | str | None]
State = Literal["ok", "warning", "fault", "unknown"]
FAULTY_SHARE = 0.01
"""Of journeys or events; below, it is a warning."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `about` names the source, KPI, channel or key."""

    check: str
    about: str
    state: State
    statement: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class SenderTotals:
    """What a source sent: events by day of receipt, and those that happened after they were received."""

    topic: str
    source: str
    by_day: Mapping[date, int]
    ahead: int
    ahead_ms: int


def sources(needs: Iterable[Need], seen: Sources, at_ms: int) -> Iterator[Check]:
    """Whether each thing that the KPIs need arrives."""
    needs = tuple(needs)
    for need in needs:
        last = seen.last_seen_ms.get(need.name)
        related = [one for one in needs if one.source == need.source]
        if last is None:
            yield Check("source", need.name, "unknown", f"Never arrived: {need.fields}.", {"last_seen": None})
            continue
        silent = seen.silent(need, related, at_ms)
        when = instant(last).isoformat()
        told = "is silent for longer than the limit of the service" if silent else "arrives"
        yield Check("source", need.name, "fault" if silent else "ok", f"{need.fields} {told}.", {"last_seen": when})


def rates(results: Iterable[KpiResult]) -> Iterator[Check]:
    """Shares above 100 %."""
    refused = [one for one in results if one.state is ResultState.REFUSED]
    for one in refused:
        numbers: Numbers = {"numerator": one.numerator, "denominator": one.denominator}
        yield Check("rate_over_100", one.kpi, "fault", f"{one.kpi}: {one.reason}.", numbers)
    if not refused:
        yield Check("rate_over_100", "", "ok", "No share is above 100 %.", {})


def order(measures: Mapping[str, int]) -> Check:
    """Journeys whose only end lies before their start."""
    started, faults = measures.get("j.started", 0), measures.get("j.fault", 0)
    if not started:
        return Check("impossible_order", "journeys", "unknown", "No journey has started.", {"journeys": 0})
    numbers: Numbers = {"journeys": started, "faults": faults, "share": faults / started}
    if not faults:
        return Check("impossible_order", "journeys", "ok", "No journey ends before it starts.", numbers)
    text = f"{faults:,} of {started:,} journeys end before they start; they are kept out of every number."
    return Check("impossible_order", "journeys", _weigh(faults / started), text, numbers)


def beside(measures: Mapping[str, int]) -> Iterator[Check]:
    """Events before the start and after the end of their journey, which are kept."""
    started = measures.get("j.started", 0)
    for kind, where in ((BEFORE_START, "before their start"), (AFTER_END, "after their end")):
        n = measures.get(f"order.{kind}", 0)
        numbers: Numbers = {"journeys": started, "affected": n, "share": n / started if started else None}
        if n:
            text = f"{n:,} of {started:,} journeys have events {where}; these are kept."
            yield Check(f"events_{kind}", "journeys", "warning", text, numbers)
        elif started:
            yield Check(f"events_{kind}", "journeys", "ok", f"No journey has events {where}.", numbers)


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """How many journeys have events of a kind of `OUT_OF_ORDER` at a step; None: events that name no step."""

    kind: str
    step: str | None
    journeys: int


def out_of_order(measures: Mapping[str, int]) -> tuple[OutOfOrder, ...]:
    """Every kind and step, most journeys first."""
    found = [
        OutOfOrder(kind, name.removeprefix(head) or None, n)
        for kind in OUT_OF_ORDER
        for head in (f"order.{kind}.",)
        for name, n in measures.items()
        if name.startswith(head)
    ]
    return tuple(sorted(found, key=lambda one: (-one.journeys, one.kind, one.step or "")))


def clocks(senders: Iterable[SenderTotals]) -> Iterator[Check]:
    """Senders whose events happened after they were received."""
    for one in senders:
        events = sum(one.by_day.values())
        if not one.ahead:
            continue
        text = (
            f"{one.ahead:,} of {events:,} events from {one.source} happened after they were received, by up to "
            f"{one.ahead_ms / 60_000:,.0f} minutes: its clock or its time zone is wrong."
        )
        numbers: Numbers = {"events": events, "ahead": one.ahead, "ahead_minutes": one.ahead_ms / 60_000}
        yield Check("clock_skew", one.source, _weigh(one.ahead / events if events else 1.0), text, numbers)


def floods(kind: str, by_name: Mapping[str, Mapping[date, int]], last: date) -> Iterator[Check]:
    """Sources (`kind` "key") or channels that sent far more on one of the last days than before."""
    everyone: dict[date, int] = {}
    for by_day in by_name.values():
        for day, n in by_day.items():
            everyone[day] = everyone.get(day, 0) + n
    for name, by_day in sorted(by_name.items()):
        found = flood(by_day, everyone, last)
        if found is not None:
            text = f"{found.events:,} events from {name} on {found.day}, where {found.usual:,.0f} a day are usual."
            numbers: Numbers = {
                "day": found.day.isoformat(),
                "events": found.events,
                "usual": found.usual,
                "deviations": found.deviations,
            }
            yield Check(f"flood_from_{kind}", name, "warning", text, numbers)


def _weigh(share: float) -> State:
    return "fault" if share >= FAULTY_SHARE else "warning"
