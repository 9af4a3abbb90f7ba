"""Values that several contracts share: identifiers, channels, instants."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
"""Id of a body, a service, a KPI, a goal: lower case letters, digits and hyphens, 2 to 63 characters."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f|=]+$")]
"""A short name such as a step or a segment value: one line, no ``|`` or ``=``."""

Choice = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""One of the values that a question offers: lower case letters, digits and hyphens."""

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")]
"""A BCP 47 language tag."""

EventId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
EventSource = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


def _in_range(value: AwareDatetime) -> AwareDatetime:
    if not 1970 <= value.year <= 9000:
        raise ValueError("year must be between 1970 and 9000")
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]
"""A point in time with its offset."""


class Channel(StrEnum):
    """The way a person came."""

    WEB = "web"
    APP = "app"
    PHONE = "phone"
    COUNTER = "counter"
    KIOSK = "kiosk"
    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    SOCIAL = "social"
    THIRD_PARTY = "third_party"
    INTERNAL = "internal"


DIGITAL_CHANNELS = frozenset({Channel.WEB, Channel.APP, Channel.KIOSK})
"""Channels on which a person completes without a clerk, unless the service says otherwise."""
