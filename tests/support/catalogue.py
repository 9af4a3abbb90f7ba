"""Records of the catalogue topic, as the engine publishes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from civiloop_shared.auth import new_key
from civiloop_shared.contracts.catalogue import KeyDefined, ServiceDefined
from civiloop_shared.contracts.envelope import Envelope, encode

_NOW = "2026-01-01T00:00:00Z"


def service_record(service_id: str, *, body: str = "city", version: int = 1, **fields: Any) -> tuple[bytes, bytes]:
    """Return key and value of a service's record."""
    service = ServiceDefined(id=service_id, body=body, version=version, title={"en": service_id}, **fields)
    return _record(service, body)


def key_record(
    key_id: str = "", *, body: str = "city", revoked_at: datetime | None = None, **fields: Any
) -> tuple[tuple[bytes, bytes], str]:
    """Return key and value of an API key's record, and the text of that API key."""
    fresh = new_key()
    key_id = key_id or fresh.id
    key = KeyDefined(
        id=key_id,
        body=body,
        scopes=fields.pop("scopes", frozenset({"telemetry:write"})),
        secret_sha256=fresh.secret_sha256,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        revoked_at=revoked_at,
        **fields,
    )
    return _record(key, body), fresh.text.replace(fresh.id, key_id, 1)


def _record(record: ServiceDefined | KeyDefined, body: str) -> tuple[bytes, bytes]:
    event = Envelope(
        id=f"{record.id}-1",
        source="civiloop",
        type=record.TYPE,
        time=_NOW,
        bodyid=body,
        recordedtime=_NOW,
        data=record.model_dump(mode="json"),
    )
    return record.key(), encode(event)
