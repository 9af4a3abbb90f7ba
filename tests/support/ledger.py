"""What a client knows of what it sent, and what the platform must have counted of it.

The model shares no code with the engine: journeys are those of ``traffic``, whose outcome is read off their events.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from civiloop_shared.contracts.identity import event_key
from tests.support.traffic import BODY, DIGITAL, SOURCE, Piece

Measures = dict[tuple[str, str, str], int]
"""Sums over all time by (service, cut, measure)."""

ENDS = ("fulfilled", "refused", "ineligible", "withdrawn", "abandoned")
_MODELLED = re.compile(
    r"answers|(rating|nps|effort|task)\..+|(dur|wait)\..+|step\..+\.(reached|abandoned|errors)"
    r"|surv\.(start|(fulfilled|refused|ineligible|withdrawn|abandoned)\.\d+)"
    r"|j\.(started|outcome|completed|fulfilled|refused|ineligible|withdrawn|abandoned|first_time|fault)"
    r"|e\.(completed|digital|fulfilled|dur\..+)"
)
_BINNED = re.compile(r"(surv\.[a-z]+|e\.dur)\.\d+")


def key_of(piece: Piece) -> str:
    """The identity under which the platform keeps a piece."""
    return event_key(BODY, SOURCE, piece.id).hex()


@dataclass
class ClientLedger:
    """By identity: all that was ever sent, and what was acknowledged. The rest is unknown."""

    sent: dict[str, Piece] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> set[str]:
        return self.sent.keys() - self.acknowledged

    def note_sent(self, pieces: Iterable[Piece]) -> None:
        self.sent.update((key_of(piece), piece) for piece in pieces)

    def note_acknowledged(self, pieces: Iterable[Piece]) -> None:
        self.acknowledged.update(map(key_of, pieces))


def expected(pieces: Iterable[Piece]) -> Measures:
    """What the aggregates must hold for these pieces, each counted once: in total and by channel."""
    tally: Counter[tuple[str, str, str]] = Counter()
    journeys: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for piece in pieces:
        if piece.of == "feedback":
            _add(tally, piece.document, piece.document["channel"], _answer(piece.document))
        else:
            journeys[piece.document["journey_id"]].append(piece.document)
    for events in journeys.values():
        _journey(tally, sorted(events, key=_ms))
    return {name: amount for name, amount in tally.items() if amount}


def comparable(stored: Mapping[tuple[str, str, str], int]) -> Measures:
    """Stored sums that the model knows, the bins of durations added up: how wide they are is no business of ours."""
    found: Counter[tuple[str, str, str]] = Counter()
    for (service, cut, name), amount in stored.items():
        if not _MODELLED.fullmatch(name):
            continue
        binned = _BINNED.fullmatch(name)
        found[service, cut, f"{binned[1]}.*" if binned else name] += amount
    return {name: amount for name, amount in found.items() if amount}


def differences(wanted: Measures, found: Measures) -> list[str]:
    """One line for each number that differs."""
    return [
        f"{'/'.join(name)}: {wanted.get(name, 0)} expected, {found.get(name, 0)} counted"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name, 0) != found.get(name, 0)
    ]


def _answer(said: Mapping[str, Any]) -> dict[str, int]:
    found = {"answers": 1}
    found.update({f"{name}.{said[name]}": 1 for name in ("rating", "nps", "effort") if name in said})
    if "task_done" in said:
        found[f"task.{said['task_done']}"] = 1
    return found


def _journey(tally: Counter[tuple[str, str, str]], events: list[dict[str, Any]]) -> None:
    """Events of one journey that were counted, in order; without its start it belongs to no service yet."""
    by_kind = {event["kind"]: event for event in events}
    start = by_kind.get("started")
    if start is None:
        return
    end = next((by_kind[kind] for kind in ENDS if kind in by_kind), None)
    implied = end if end is not None and end["kind"] in ("fulfilled", "ineligible") else None
    done = by_kind.get("completed", implied)
    _add(tally, start, start["channel"], _from_start(events, by_kind, start, end, done))
    if done is not None:
        assisted = start.get("assisted_digital", False)
        digital = {"e.digital": 1} if done["channel"] in DIGITAL and not assisted else {}
        _add(tally, start, done["channel"], {"e.completed": 1, **digital})
    if end is not None and end["kind"] == "fulfilled":
        took = _ms(end) - _ms(start)
        sums = {"e.dur.n": 1, "e.dur.sum": took, "e.dur.sumsq": took * took, "e.dur.*": 1}
        _add(tally, start, end["channel"], {"e.fulfilled": 1, **sums})


def _from_start(
    events: list[dict[str, Any]],
    by_kind: Mapping[str, dict[str, Any]],
    start: dict[str, Any],
    end: dict[str, Any] | None,
    done: dict[str, Any] | None,
) -> dict[str, int]:
    found = {"j.started": 1, "surv.start": 1}
    found.update({f"step.{step}.reached": 1 for step in {event["step"] for event in events if "step" in event}})
    found.update({f"step.{event['step']}.errors": 1 for event in events if event["kind"] == "error"})
    if done is not None:
        found["j.completed"] = 1
    waiting = by_kind.get("waiting_for_citizen")
    after = next((event for event in events if waiting and _ms(event) > _ms(waiting)), None)
    if waiting and after:
        found.update({"wait.n": 1, "wait.sum": _ms(after) - _ms(waiting)})
    if end is None:
        return found
    cause, took = end["kind"], _ms(end) - _ms(start)
    found.update({"j.outcome": 1, f"j.{cause}": 1, f"surv.{cause}.*": 1})
    if cause == "fulfilled":
        found.update({"dur.n": 1, "dur.sum": took, "dur.sumsq": took * took})
        if not {"error", "help_sought"} & by_kind.keys():
            found["j.first_time"] = 1
    steps = [event["step"] for event in events if "step" in event]
    if cause == "abandoned" and steps:
        found[f"step.{steps[-1]}.abandoned"] = 1
    return found


def _add(
    tally: Counter[tuple[str, str, str]], of: Mapping[str, Any], channel: str, measures: Mapping[str, int]
) -> None:
    for cut in ("", f"channel={channel}"):
        for name, amount in measures.items():
            tally[of["service"], cut, name] += amount


def _ms(event: Mapping[str, Any]) -> int:
    return round(datetime.fromisoformat(event["occurred_at"]).timestamp() * 1000)
