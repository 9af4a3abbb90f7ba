"""Where a share goes: the cells of its cuts, by day, quarter hour and minute. Months are made of days later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import MINUTE_MS, Grain, calendar, quarter_start
from evaluation_engine.domain.contribution.context import FactContext, Minutes


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
    minute: int | None = None
    kept: Minutes = ()


class Share(NamedTuple):
    """One map of measures and where it goes."""

    address: Address
    measures: Measures


@lru_cache(maxsize=8192)
def cuts_of(channel: str | None, others: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Total, the channel, each other dimension, and channel x each other: total and channel come first."""
    alone = tuple(f"{name}={value}" for name, value in others)
    if channel is None:
        return ("", *alone)
    at = f"channel={channel}"
    return ("", at, *alone, *(f"{at}|{cut}" for cut in alone))


def address_of(
    service: str, at_ms: int, channel: str | None, others: tuple[tuple[str, str], ...], context: FactContext
) -> Address:
    """The address of an instant."""
    day = calendar(context.zone).day_start(at_ms)
    cuts, quarter = cuts_of(channel, others), quarter_start(at_ms)
    if context.minutes:
        return Address(service, cuts, quarter, day, at_ms - at_ms % MINUTE_MS, context.minutes)
    return Address(service, cuts, quarter, day)


def cells_of(address: Address, *, quarters_from_ms: int = 0) -> Iterator[Cell]:
    """Every cell of an address: the day for all cuts, the quarter hour for total and channel."""
    for cut in address.cuts:
        yield Cell(address.service, cut, "day", address.day)
    yield from quarters_of(address, quarters_from_ms=quarters_from_ms)


def quarters_of(address: Address, *, quarters_from_ms: int = 0) -> Iterator[Cell]:
    """Every quarter-hour cell of an address."""
    service, cuts, quarter = address[:3]
    if quarter is not None and quarter >= quarters_from_ms:
        yield Cell(service, "", "quarter", quarter)
        if len(cuts) > 1 and cuts[1].startswith("channel="):
            yield Cell(service, cuts[1], "quarter", quarter)


def minutes_of(address: Address, changes: Mapping[str, int]) -> Iterator[tuple[Cell, Measures]]:
    """What of changes is kept by the minute, by its cell."""
    if address.minute is None:
        return
    for cut, beginnings in address.kept:
        if cut in address.cuts:
            part = {name: amount for name, amount in changes.items() if name.startswith(beginnings)}
            if part:
                yield Cell(address.service, cut, "minute", address.minute), part
