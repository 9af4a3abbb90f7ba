"""The text of an API key, ``civ_<id>_<secret>``, and the record that we keep of it (never the secret)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from civiloop_shared.contracts.catalogue import KeyDefined, Scope

_KEY = re.compile(r"civ_([A-Za-z0-9]{8,32})_([A-Za-z0-9_-]{43})", re.ASCII)
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 12
_SECRET_BYTES = 32
_LONGEST_TEXT = 128


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its holder shows it. The secret is never in its ``repr``."""

    id: str
    secret: str = field(repr=False)

    def text(self) -> str:
        """Return the key as it is handed out."""
        return f"civ_{self.id}_{self.secret}"

    def secret_sha256(self) -> bytes:
        """Return the digest that is stored in place of the secret. 256 random bits need no slow hash."""
        return hashlib.sha256(self.secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh key: ``text`` is shown once, ``secret_sha256`` (hex) is what is stored."""

    id: str
    text: str = field(repr=False)
    secret_sha256: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What we know of a key: whose it is and what it may do."""

    id: str
    body: str
    scopes: frozenset[Scope]
    secret_sha256: bytes = field(repr=False)
    services: frozenset[str] | None = None
    kind: str = "server"
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def from_contract(cls, key: KeyDefined) -> KeyRecord:
        """Take over a record of the catalogue topic."""
        return cls(
            id=key.id,
            body=key.body,
            scopes=key.scopes,
            secret_sha256=bytes.fromhex(key.secret_sha256),
            services=key.services,
            kind=key.kind,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )

    def is_live(self, now: datetime) -> bool:
        """Say whether the key may be used at this moment."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return False
        return self.expires_at is None or now < self.expires_at


def parse_key(text: str) -> ApiKey | None:
    """Read the text of a key; None when it is not one."""
    if len(text) > _LONGEST_TEXT:
        return None
    match = _KEY.fullmatch(text)
    return ApiKey(match[1], match[2]) if match else None


def new_key() -> NewKey:
    """Make a key of 256 random bits."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    key = ApiKey(key_id, secrets.token_urlsafe(_SECRET_BYTES))
    return NewKey(key.id, key.text(), key.secret_sha256().hex())
