"""What ingest services must know of bodies, services and keys: the records of the compacted ``catalogue`` topic."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from civiloop_shared.contracts.topics import CATALOGUE, Topic
from civiloop_shared.contracts.values import DIGITAL_CHANNELS, Channel, Choice, Identifier, Instant, Label, LanguageTag


class Scope(StrEnum):
    """What a key may do. ``admin`` implies all, ``steward`` implies ``read``."""

    FEEDBACK_WRITE = "feedback:write"
    TELEMETRY_WRITE = "telemetry:write"
    READ = "read"
    STEWARD = "steward"
    ADMIN = "admin"


KEEP_FACTS_MONTHS = 25
"""How long single answers and journeys are kept where a service says nothing else."""


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


class QuestionDefined(BaseModel):
    """A question beside the fixed ones, and what may be answered.

    ``scale`` takes whole numbers from ``least`` to ``most``, ``choice`` one of ``values``, ``yes_no`` yes or no, and
    ``multi`` any of ``values``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Identifier
    kind: Literal["scale", "choice", "yes_no", "multi"]
    least: int | None = Field(default=None, ge=0, le=100)
    most: int | None = Field(default=None, ge=0, le=100)
    values: tuple[Choice, ...] = Field(default=(), max_length=30)
    title: dict[LanguageTag, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "scale" and (self.least is None or self.most is None or self.least >= self.most):
            raise ValueError("a scale needs least and most, and least must be smaller")
        if self.kind != "scale" and (self.least is not None or self.most is not None):
            raise ValueError("least and most belong to a scale")
        if (self.kind in ("choice", "multi")) != bool(self.values):
            raise ValueError("values belong to choice and multi, which need them")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value stands twice")
        return self

    @property
    def answers(self) -> tuple[int | str, ...]:
        """All single answers that there are."""
        if self.kind == "scale":
            return tuple(range(self.least or 0, (self.most or 0) + 1))
        return ("yes", "no") if self.kind == "yes_no" else self.values


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
    questions: tuple[QuestionDefined, ...] = Field(default=(), max_length=100)
    silence_limit_hours: int = Field(default=24 * 14, ge=1, le=24 * 366)
    oldest_event_days: int = Field(default=14, ge=1, le=14)
    keep_facts_months: int = Field(default=KEEP_FACTS_MONTHS, ge=1, le=600)


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
