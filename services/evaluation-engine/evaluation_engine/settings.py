"""Settings of the engine's two processes: `serve` (API and evaluator) and `work` (ingest)."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FilePath, SecretStr, field_validator

from civiloop_shared.contracts.values import Identifier
from civiloop_shared.settings import BootstrapServers, CommonSettings, DatabaseUrl
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.domain.comments.taxonomy import TaxonomyError

_KEY_BYTES = 32
_BOOTSTRAP_KEY = re.compile(r"(?:civ_)?([A-Za-z0-9]{8,32}):([0-9a-f]{64})")


def _bootstrap_key(value: str) -> str:
    if not _BOOTSTRAP_KEY.fullmatch(value):
        raise ValueError("must be <key id>:<hex SHA-256 of its secret>")
    return value


def _taxonomy_file(value: Path) -> Path:
    try:
        read_taxonomy(value)
    except TaxonomyError as error:
        raise ValueError("\n    ".join(("has faults", *error.faults))) from None
    except (OSError, UnicodeDecodeError):
        raise ValueError("can't be read as UTF-8 text") from None
    return value


def _decoded(value: SecretStr) -> bytes:
    text = value.get_secret_value()
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


class DatabaseSettings(CommonSettings):
    """What a migration needs."""

    database_url: DatabaseUrl = Field(validation_alias="DATABASE_URL", repr=False)


class RecoverSettings(DatabaseSettings):
    """What making a new admin key needs."""

    body: Identifier = "local"


class EngineSettings(RecoverSettings):
    """Of both processes.

    Attributes:
        body: the installation's own body, to which the first admin key belongs.
        bootstrap_key: public record of the first admin key.
        poll_s: how often the evaluator looks for aggregates that changed.
        settle_s: how long the inputs of a closed period must rest before it is evaluated, so that an import of many
            rows makes one evaluation and not hundreds of revisions; ``settle_longest_s`` bounds the waiting.
        session_ms: after how long without a heartbeat a worker counts as gone and its partitions go to others.
        revision_pause_s: how long a period is left alone after its first evaluation; doubled with each revision, so
            that a trickle of late events makes a few revisions and not thousands.
        webhook_key: 32 bytes in URL-safe base64 that secrets of webhooks are sealed with; without it there are none.
        webhooks_to_private: whether webhooks may go to addresses that are not public, and over http.
        taxonomy: a body's own file of themes that comments are read for, in place of the one that comes along.
        backfill_periods: how many closed periods with data are evaluated at most, the newest first.
    """

    kafka_bootstrap_servers: BootstrapServers = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    bootstrap_key: Annotated[str, AfterValidator(_bootstrap_key)] | None = None
    consumer_group: str = Field(default="civiloop-engine", pattern=r"^[a-zA-Z0-9._-]{1,200}$")
    session_ms: int = Field(default=30_000, ge=6_000, le=300_000)
    poll_s: float = Field(default=0.3, gt=0, le=60)
    settle_s: float = Field(default=3.0, ge=0, le=3600)
    settle_longest_s: float = Field(default=60.0, ge=0, le=86_400)
    revision_pause_s: float = Field(default=10.0, ge=0, le=86_400)
    backfill_periods: int = Field(default=400, ge=1, le=10_000)
    pool_size: int = Field(default=8, ge=2, le=100)
    taxonomy: Annotated[FilePath, AfterValidator(_taxonomy_file)] | None = None
    webhook_key: SecretStr | None = None
    webhooks_to_private: bool = False

    @field_validator("webhook_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if len(_decoded(value)) != _KEY_BYTES:
            raise ValueError("must be 32 bytes in URL-safe base64")
        return value

    def webhook_key_bytes(self) -> bytes | None:
        """Return the key that secrets of webhooks are sealed with."""
        return _decoded(self.webhook_key) if self.webhook_key is not None else None

    def first_key(self) -> tuple[str, str] | None:
        """Return id and digest of the key that the installation brought along."""
        match = _BOOTSTRAP_KEY.fullmatch(self.bootstrap_key or "")
        return (match[1], match[2]) if match else None
