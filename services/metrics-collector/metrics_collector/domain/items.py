"""One item of a batch as it was sent, its shape already checked: plain dictionaries, because a batch has a thousand."""

from __future__ import annotations

from decimal import Decimal
from typing import NotRequired

from typing_extensions import TypedDict


class JourneyItem(TypedDict):
    """One event of one journey; ``occurred_at`` is RFC 3339."""

    id: str
    source: NotRequired[str | None]
    service: str
    journey_id: str
    kind: str
    occurred_at: str
    channel: NotRequired[str | None]
    step: NotRequired[str | None]
    language: NotRequired[str | None]
    assisted_digital: NotRequired[bool | None]
    segments: NotRequired[dict[str, str] | None]


class SampleItem(TypedDict):
    """A value and how often it was seen."""

    value: Decimal
    count: int


class MeasurementItem(TypedDict):
    """One value at an instant or over a period; or the samples of a timing or a score."""

    id: str
    source: NotRequired[str | None]
    service: str
    name: str
    kind: str
    unit: str
    value: NotRequired[Decimal | None]
    samples: NotRequired[list[SampleItem] | None]
    channel: NotRequired[str | None]
    occurred_at: NotRequired[str | None]
    period_from: NotRequired[str | None]
    period_to: NotRequired[str | None]
