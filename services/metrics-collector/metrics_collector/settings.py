"""What the metrics-collector reads from its environment."""

from __future__ import annotations

from pydantic import Field

from civiloop_shared.settings import BootstrapServers, CommonSettings


class Settings(CommonSettings):
    """``KAFKA_BOOTSTRAP_SERVERS`` is required; there is no database.

    ``produce_deadline_seconds`` is how long Kafka may take with a batch before the answer is 503,
    ``max_produce_bytes_in_flight`` how much may wait for it in all.
    """

    kafka_bootstrap_servers: BootstrapServers = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    produce_deadline_seconds: float = Field(default=1.8, gt=0, le=30)
    max_produce_bytes_in_flight: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    start_wait_seconds: float = Field(default=3.0, ge=0, le=120)
