"""The shape of what is sent. ``TypedDict``s, because pydantic checks a thousand of them without making an object."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from civiloop_shared.contracts.measurements import MAX_SAMPLES, SampleCount, SampleValue
from civiloop_shared.contracts.values import EventId, EventSource, Identifier, Label, LanguageTag

MOST_ITEMS = 1_000

_RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
PATTERNS = {
    _RFC_3339: "a time with its offset, such as 2026-11-24T09:15:00+02:00",
    r"^[a-z][a-z0-9-]{1,62}$": "lower case letters, digits and hyphens",
    r"^[^\x00-\x1f|=]+$": "one line without | and =",
    r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$": "a language tag such as en or el",
    r"^[^\x00-\x20]+$": "without blanks",
}
"""What the patterns of the shapes and the contracts mean in words."""

InstantText = Annotated[
    str, StringConstraints(pattern=_RFC_3339, max_length=40), Field(json_schema_extra={"format": "date-time"})
]
JourneyId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Unit = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[^\x00-\x20]+$")]
ChannelName = Literal[
    "web", "app", "phone", "counter", "kiosk", "email", "sms", "letter", "social", "third_party", "internal"
]
KindName = Literal[
    "started",
    "step",
    "error",
    "help_sought",
    "waiting_for_citizen",
    "resumed",
    "handed_over",
    "completed",
    "fulfilled",
    "refused",
    "ineligible",
    "withdrawn",
    "abandoned",
]
_STRICT = ConfigDict(strict=True, extra="forbid")


class JourneyShape(TypedDict):
    """One event of one journey."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    id: EventId
    source: NotRequired[EventSource | None]
    service: Identifier
    journey_id: JourneyId
    kind: KindName
    occurred_at: InstantText
    channel: NotRequired[ChannelName | None]
    step: NotRequired[Label | None]
    language: NotRequired[LanguageTag | None]
    assisted_digital: NotRequired[bool | None]
    segments: NotRequired[Annotated[dict[Identifier, Label], Field(max_length=10)] | None]


class SampleShape(TypedDict):
    """A value and how often it was seen."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    value: Annotated[SampleValue, Field(strict=False)]
    count: SampleCount


class MeasurementShape(TypedDict):
    """One value at an instant, or over a period; or the samples of a timing or a score."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    id: EventId
    source: NotRequired[EventSource | None]
    service: Identifier
    name: Identifier
    kind: Literal["cost", "volume", "duration", "count", "timing", "score"]
    unit: Unit
    value: NotRequired[
        Annotated[Decimal, Field(strict=False, max_digits=18, decimal_places=3, allow_inf_nan=False)] | None
    ]
    samples: NotRequired[Annotated[list[SampleShape], Field(min_length=1, max_length=MAX_SAMPLES)] | None]
    channel: NotRequired[ChannelName | None]
    occurred_at: NotRequired[InstantText | None]
    period_from: NotRequired[InstantText | None]
    period_to: NotRequired[InstantText | None]


Journeys = TypeAdapter(list[JourneyShape])
Measurements = TypeAdapter(list[MeasurementShape])
InstantField = TypeAdapter(InstantText)
