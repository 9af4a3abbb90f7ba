"""Settings of reporting."""

from __future__ import annotations

from pydantic import Field

from civiloop_shared.settings import BootstrapServers, CommonSettings, DatabaseUrl


class ReportingSettings(CommonSettings):
    """What reporting reads from its environment, beside what all services read."""

    database_url: DatabaseUrl = Field(validation_alias="DATABASE_URL", repr=False)
    kafka_bootstrap_servers: BootstrapServers = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    engine_url: str = Field(pattern=r"^https?://[^\s/]+(:\d+)?/?$")
    port: int = Field(default=8604, ge=1, le=65_535)
