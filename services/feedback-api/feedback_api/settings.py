"""Settings of feedback-api."""

from __future__ import annotations

import base64
import binascii

from pydantic import Field, SecretStr, field_validator

from civiloop_shared.settings import BootstrapServers, CommonSettings, DatabaseUrl


class Settings(CommonSettings):
    """What this service reads from its environment. The two secrets have no default."""

    database_url: DatabaseUrl = Field(validation_alias="DATABASE_URL", repr=False)
    kafka_bootstrap_servers: BootstrapServers = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    port: int = Field(default=8601, ge=1, le=65_535)
    contact_key: SecretStr
    receipt_secret: SecretStr = Field(min_length=32)

    @field_validator("contact_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        if len(_decoded(value)) != 32:
            raise ValueError("must be 32 bytes in URL-safe base64")
        return value

    def contact_key_bytes(self) -> bytes:
        """Return the key that contacts are encrypted with."""
        return _decoded(self.contact_key)

    def receipt_secret_bytes(self) -> bytes:
        """Return the secret that receipts are made with."""
        return self.receipt_secret.get_secret_value().encode()


def _decoded(value: SecretStr) -> bytes:
    text = value.get_secret_value()
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
