"""Settings of the engine's two processes: `serve` (API and evaluator) and `work` (ingest)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from civiloop_shared.contracts.values import Identifier
from civiloop_shared.settings import BootstrapServers, CommonSettings, DatabaseUrl

_BOOTSTRAP_KEY = re.compile(r"(?:civ_)?([A-Za-z0-9]{8,32}):([0-9a-f]{64})")


def _bootstrap_key(value: str) -> str:
    if not _BOOTSTRAP_KEY.fullmatch(value):
        raise ValueError("must be <key id>:<hex SHA-256 of its secret>")
    return value


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

    def first_key(self) -> tuple[str, str] | None:
        """Return id and digest of the key that the installation brought along."""
        match = _BOOTSTRAP_KEY.fullmatch(self.bootstrap_key or "")
        return (match[1], match[2]) if match else None
