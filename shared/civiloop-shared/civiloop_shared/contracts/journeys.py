"""Journey events on ``telemetry.journeys``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from civiloop_shared.contracts.topics import JOURNEYS, Topic
from civiloop_shared.contracts.values import Channel, Identifier, Instant, Label, LanguageTag


class JourneyKind(StrEnum):
    """What happened in a journey."""

    STARTED = "started"
    STEP = "step"
    ERROR = "error"
    HELP_SOUGHT = "help_sought"
    WAITING_FOR_CITIZEN = "waiting_for_citizen"
    RESUMED = "resumed"
    HANDED_OVER = "handed_over"
    COMPLETED = "completed"
    FULFILLED = "fulfilled"
    REFUSED = "refused"
    INELIGIBLE = "ineligible"
    WITHDRAWN = "withdrawn"
    ABANDONED = "abandoned"


class JourneyEventRecorded(BaseModel):
    """One event of one journey. ``observed_until`` is set by imports: it stands for now in censoring and silence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = JOURNEYS

    service: Identifier
    journey_id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    kind: JourneyKind
    occurred_at: Instant
    channel: Channel | None = None
    step: Label | None = None
    language: LanguageTag | None = None
    assisted_digital: bool = False
    segments: dict[Identifier, Label] = Field(default_factory=dict, max_length=10)
    observed_until: Instant | None = None


def journey_type(kind: JourneyKind | str) -> str:
    """Return the CloudEvents type of a kind of journey event."""
    return f"civiloop.journey.{kind}.v1"


JOURNEY_TYPES = frozenset(journey_type(kind) for kind in JourneyKind)


def journey_stream_key(body: str, journey_id: str) -> bytes:
    """Return the Kafka key: body and journey, never the service, so that all events of a journey meet."""
    return f"{body}/{journey_id}".encode()
