"""Named values with a unit on ``telemetry.measurements``."""

from __future__ import annotations

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


Value = Annotated[Decimal, Field(max_digits=18, decimal_places=3, allow_inf_nan=False)]


class MeasurementRecorded(BaseModel):
    """One value at an instant, or over ``[period_from, period_to)``, which is then spread over its days.

    A measurement of the same service, name, channel and period that was recorded later replaces the earlier one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = MEASUREMENTS
    TYPE: ClassVar[str] = "civiloop.measurement.recorded.v1"

    service: Identifier
    name: Identifier
    kind: MeasurementKind
    unit: Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[^\x00-\x20]+$")]
    value: Value
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

    def scaled(self) -> int:
        """Return the value in thousandths of its unit."""
        return int(self.value * SCALE)

    def key(self) -> bytes:
        """Return the Kafka key: service and name."""
        return f"{self.service}/{self.name}".encode()
