"""Named values with a unit on ``telemetry.measurements``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from civiloop_shared.contracts.topics import MEASUREMENTS, Topic
from civiloop_shared.contracts.values import Channel, Identifier, Instant

SCALE = 1000
"""Values are kept as integers of a thousandth of their unit: sums are exact whatever their order."""


class MeasurementKind(StrEnum):
    """What a measurement counts."""

    COST = "cost"
    VOLUME = "volume"
    DURATION = "duration"
    COUNT = "count"
    TIMING = "timing"
    SCORE = "score"


DISTRIBUTIONS = {MeasurementKind.TIMING: "ms", MeasurementKind.SCORE: "1"}
"""Kinds whose values are kept in bins of at most 1 %, so that they have quantiles, and the unit of each."""

MAX_SAMPLES = 1000
LONGEST_DISTRIBUTION = timedelta(days=32)
"""A distribution over a longer period has to be sent in parts: its samples are divided among its days."""

Value = Annotated[Decimal, Field(max_digits=18, decimal_places=3, allow_inf_nan=False)]


MOST = 10**10
SampleValue = Annotated[Decimal, Field(max_digits=13, decimal_places=3, ge=0, allow_inf_nan=False)]
SampleCount = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class Sample(BaseModel):
    """A value and how often it was seen: a bin of a histogram or of a DDSketch by the value that stands for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: SampleValue
    count: SampleCount


class MeasurementRecorded(BaseModel):
    """One value at an instant, or over ``[period_from, period_to)``, which is then spread over its days.

    A measurement of the same service, name, channel and period that was recorded later replaces the earlier one. Of
    the kinds ``timing`` (ms) and ``score`` (no unit, written 1) whole distributions are kept: a single value at an
    instant, or ``samples`` in place of the value.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = MEASUREMENTS
    TYPE: ClassVar[str] = "civiloop.measurement.recorded.v1"

    service: Identifier
    name: Identifier
    kind: MeasurementKind
    unit: Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[^\x00-\x20]+$")]
    value: Value | None = None
    samples: Annotated[list[Sample], Field(min_length=1, max_length=MAX_SAMPLES)] | None = None
    channel: Channel | None = None
    occurred_at: Instant | None = None
    period_from: Instant | None = None
    period_to: Instant | None = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.period_from is None) != (self.period_to is None):
            raise ValueError("period_from and period_to go together")
        if (self.occurred_at is None) == (self.period_from is None):
            raise ValueError("give either occurred_at or period_from and period_to")
        if self.period_from is not None and self.period_to is not None and self.period_from >= self.period_to:
            raise ValueError("period_to must be after period_from")
        return self

    @model_validator(mode="after")
    def _value_or_samples(self) -> Self:
        lasts = self.period_to - self.period_from if self.period_from and self.period_to else None
        faults = value_faults(self.kind, self.unit, self.value, has_samples=self.samples is not None, lasts=lasts)
        if faults:
            raise ValueError("; ".join(f"{field} {reason}" for field, reason in faults))
        return self

    def scaled(self) -> int:
        """Return the value in thousandths of its unit; of a distribution the sum of its samples."""
        if self.value is not None:
            return int(self.value * SCALE)
        return sum(milli * count for milli, count in self.scaled_samples())

    def scaled_samples(self) -> list[tuple[int, int]]:
        """Return values in thousandths of their unit with their counts; nothing where it is no distribution."""
        if self.kind not in DISTRIBUTIONS:
            return []
        if self.value is not None:
            return [(self.scaled(), 1)]
        return [(int(sample.value * SCALE), sample.count) for sample in self.samples or ()]

    def key(self) -> bytes:
        """Return the Kafka key: service and name."""
        return f"{self.service}/{self.name}".encode()


def value_faults(
    kind: str, unit: str, value: Decimal | None, *, has_samples: bool, lasts: timedelta | None
) -> list[tuple[str, str]]:
    """Return what is wrong with value and samples, by field. ``lasts`` is the length of the period, if it has one."""
    if (value is None) != has_samples:
        return [("value", "give either value or samples")]
    return list(_distribution_faults(kind, unit, value, lasts))


def _distribution_faults(
    kind: str, unit: str, value: Decimal | None, lasts: timedelta | None
) -> Iterator[tuple[str, str]]:
    wanted = {of.value: unit for of, unit in DISTRIBUTIONS.items()}.get(kind)
    if wanted is None:
        if value is None:
            yield "samples", f"belong to the kinds {' and '.join(DISTRIBUTIONS)}"
        return
    if unit != wanted:
        yield "unit", f"of a {kind} must be {wanted}"
    if value is not None and lasts is not None:
        yield "value", f"over a period can't stand for a {kind}: give samples, or a value at an instant"
    if value is not None and not 0 <= value < MOST:
        yield "value", f"of a {kind} must be at least 0 and less than {MOST}"
    if lasts is not None and lasts > LONGEST_DISTRIBUTION:
        yield "period_to", f"of a {kind} must be at most {LONGEST_DISTRIBUTION.days} days after period_from"
