"""Who sent a batch: how many new events by service, day of receipt and source, and how many from the future."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from evaluation_engine.ports.sink import Receipt, Sender
from evaluation_engine.service.ingest.arrivals import Arrival
from evaluation_engine.service.ingest.instants import DAY_MS, utc_day
from evaluation_engine.service.ingest.readers import AnswerArrival, JourneyArrival, MeasurementArrival

AHEAD_MS = 120_000
"""A clock that is ahead by more is wrong: a message can't have been received before it was sent."""

SLOTS = 64


def senders(arrivals: Iterable[Arrival[Any]]) -> dict[Sender, Receipt]:
    """Return what came from whom; erasures are left out."""
    found: dict[tuple[str, int, str], list[int]] = {}
    for arrival in arrivals:
        told = _told(arrival.payload)
        if told is None:
            continue
        service, at_ms = told
        key = (service, arrival.recorded_at_ms // DAY_MS, arrival.source)
        counts = found.get(key)
        if counts is None:
            counts = found[key] = [0, 0, 0]
        counts[0] += 1
        ahead = at_ms - arrival.recorded_at_ms
        if ahead > AHEAD_MS:
            counts[1] += 1
            counts[2] = max(counts[2], ahead)
    return _in_slots(found)


def _in_slots(found: Mapping[tuple[str, int, str], Sequence[int]]) -> dict[Sender, Receipt]:
    receipts: dict[Sender, Receipt] = {}
    for (service, day, source), (events, ahead, most) in found.items():
        sender = Sender(service, utc_day(day * DAY_MS), _slot(source))
        old = receipts.get(sender, Receipt(source, 0, 0, 0))
        receipts[sender] = Receipt(source, old.events + events, old.ahead + ahead, max(old.ahead_ms, most))
    return receipts


def _told(payload: object) -> tuple[str, int] | None:
    """Return service and instant; a measurement over a period has none, so 0."""
    if isinstance(payload, JourneyArrival):
        return payload.event.service, payload.event.at_ms
    if isinstance(payload, AnswerArrival):
        return (payload.service, payload.content.answer.at_ms) if payload.content else None
    if isinstance(payload, MeasurementArrival):
        return payload.measurement.service, 0 if payload.measurement.until_ms else payload.measurement.at_ms
    return None


def _slot(source: str) -> int:
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0] % SLOTS
