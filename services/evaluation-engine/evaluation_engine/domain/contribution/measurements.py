"""What a measurement adds, on each day that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evaluation_engine.domain.accumulator import Measures
from evaluation_engine.domain.buckets import DAY_MS, calendar
from evaluation_engine.domain.contribution.address import Address, Share, address_of, cuts_of
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.domain.samples import Samples, moments_of, over_days


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


def of_measurement(measurement: Measurement, context: FactContext) -> tuple[Share, ...]:
    """One share, or one for each local day that the period touches; the parts add up to the whole exactly.

    `n` counts day shares: it says that the value is measured on that day.
    """
    if measurement.until_ms is None:
        address = address_of(measurement.service, measurement.at_ms, measurement.channel, (), context)
        return (Share(address, next(_day_by_day(measurement, [1]))),)
    days = _days(measurement.at_ms, measurement.until_ms, context)
    cuts = cuts_of(measurement.channel, ())
    addresses = (Address(measurement.service, cuts, None, day) for day, _ in days)
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
