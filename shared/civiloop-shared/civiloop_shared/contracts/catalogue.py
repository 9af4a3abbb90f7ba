"""What ingest services must know of bodies, services and keys: the records of the compacted ``catalogue`` topic."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from civiloop_shared.contracts.topics import CATALOGUE, Topic
from civiloop_shared.contracts.values import DIGITAL_CHANNELS, Channel, Identifier, Instant, Label, LanguageTag


class Scope(StrEnum):
    """What a key may do. ``admin`` implies all, ``steward`` implies ``read``."""

    FEEDBACK_WRITE = "feedback:write"
    TELEMETRY_WRITE = "telemetry:write"
    READ = "read"
    STEWARD = "steward"
    ADMIN = "admin"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[Topic] = CATALOGUE
    KIND: ClassVar[str]

    id: str

    def key(self) -> bytes:
        """Return the compaction key: kind and id."""
        return f"{self.KIND}/{self.id}".encode()


class BodyDefined(_Record):
    """A public body: the tenant that services and keys belong to."""

    KIND: ClassVar[str] = "body"
    TYPE: ClassVar[str] = "civiloop.body.defined.v1"

    id: Identifier
    title: dict[LanguageTag, str]


class ServiceDefined(_Record):
    """A service as ingest and aggregation need it. ``version`` grows with every change."""

    KIND: ClassVar[str] = "service"
    TYPE: ClassVar[str] = "civiloop.service.defined.v1"

    id: Identifier
    body: Identifier
    version: int = Field(ge=1)
    title: dict[LanguageTag, str]
    zone: str = "UTC"
    languages: tuple[LanguageTag, ...] = ("en",)
    channels: tuple[Channel, ...] = tuple(Channel)
    digital_channels: frozenset[Channel] = DIGITAL_CHANNELS
    steps: tuple[Label, ...] = ()
    segments: dict[Identifier, tuple[Label, ...]] = Field(default_factory=dict)
    silence_limit_hours: int = Field(default=24 * 14, ge=1, le=24 * 366)
    oldest_event_days: int = Field(default=14, ge=1, le=14)


class KeyDefined(_Record):
    """An API key without its secret: ``secret_sha256`` is the hex SHA-256 of the secret part."""

    KIND: ClassVar[str] = "key"
    TYPE: ClassVar[str] = "civiloop.key.defined.v1"

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{8,32}$")]
    body: Identifier
    label: Annotated[str, StringConstraints(max_length=100)] = ""
    scopes: frozenset[Scope]
    services: frozenset[Identifier] | None = None
    kind: Literal["server", "browser"] = "server"
    secret_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
