"""Where API keys are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from civiloop_shared.contracts.catalogue import KeyDefined
from evaluation_engine.ports.outbox import Message


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key without its secret, and when it was last used, to the minute."""

    key: KeyDefined
    last_used_at: datetime | None = None


class KeyStore(Protocol):
    """Keeps keys; a revoked one stays, so that its id is never given again."""

    async def all(self) -> list[StoredKey]:
        """Return every key of the installation."""

    async def of_body(self, body: str) -> list[StoredKey]:
        """Return the keys of one body, newest first."""

    async def add(self, key: KeyDefined, messages: tuple[Message, ...], *, if_absent: bool = False) -> bool:
        """Store a key with its messages; False when it was there already and ``if_absent``."""

    async def body_is_known(self, body: str) -> bool:
        """Say whether anything of this body is stored."""

    async def revoke(self, key_id: str, body: str, at: datetime, messages: tuple[Message, ...]) -> bool:
        """Mark a live key of this body as revoked, with its messages; False when there is none."""

    async def note_use(self, used: Mapping[str, datetime]) -> None:
        """Remember when keys were last used."""
