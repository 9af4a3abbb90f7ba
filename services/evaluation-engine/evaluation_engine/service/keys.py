"""API keys: made, listed, revoked; the first one from the installation, a new one when it is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from civiloop_shared.auth.keys import KeyRecord, NewKey, new_key
from civiloop_shared.auth.principal import effective_scopes
from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.contracts.catalogue import KeyDefined, Scope
from civiloop_shared.errors import ForbiddenError, ValidationError, ValidationFault
from evaluation_engine.errors import UnknownKeyError
from evaluation_engine.ports.keys import KeyStore, StoredKey
from evaluation_engine.ports.outbox import Message
from evaluation_engine.service.catalogue.publishing import message, tombstone, unnamed_body


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """A key to be made."""

    body: str
    label: str
    scopes: frozenset[Scope]
    services: frozenset[str] | None = None
    kind: Literal["server", "browser"] = "server"
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A fresh key: its text is shown this once."""

    key: KeyDefined
    text: str


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """Where keys are made and taken back. ``home`` is the installation's own body, whose admins may serve others."""

    store: KeyStore
    ring: KeyRing
    home: str
    clock: Callable[[], datetime]

    async def create(self, order: KeyOrder, *, caller_body: str) -> MadeKey:
        """Make a key and tell all services; returning means it is stored.

        Raises ``ForbiddenError`` for another body, ``ValidationError`` for scopes that a browser key can't have.
        """
        if caller_body not in (order.body, self.home):
            raise ForbiddenError("only an admin of the installation's own body makes keys for other bodies")
        if not effective_scopes(order.scopes, order.kind):
            raise ValidationError.of(ValidationFault("scopes", "a browser key can only write"))
        made = new_key()
        key = self._defined(order, made)
        await self.store.add(key, await self._announcement(key))
        self.ring.add(KeyRecord.from_contract(key))
        return MadeKey(key, made.text)

    async def list(self, body: str) -> list[StoredKey]:
        """Return the keys of a body, revoked ones too, with when they were last used here."""
        used = self.ring.last_used()
        return [_fresher(stored, used) for stored in await self.store.of_body(body)]

    async def revoke(self, key_id: str, body: str) -> None:
        """Take a key back: here at once, in all services within 2 s. Raises ``UnknownKeyError``."""
        if not await self.store.revoke(key_id, body, self.clock(), (tombstone("key", key_id),)):
            raise UnknownKeyError
        self.ring.revoke(key_id)

    async def ensure_first(self, key_id: str, secret_sha256: str) -> bool:
        """Store the admin key that the installation brought along; False when it is known already."""
        order = KeyOrder(self.home, "first admin", frozenset({Scope.ADMIN}))
        key = self._defined(order, NewKey(key_id, "", secret_sha256))
        return await self.store.add(key, await self._announcement(key), if_absent=True)

    async def recover(self) -> MadeKey:
        """Make a new admin key of the installation's body; for whoever may run commands on its machines."""
        order = KeyOrder(self.home, "recovered admin", frozenset({Scope.ADMIN}))
        return await self.create(order, caller_body=self.home)

    async def refresh(self) -> None:
        """Bring the ring up to what is stored, so that every replica knows new and revoked keys."""
        live = [stored.key for stored in await self.store.all() if stored.key.revoked_at is None]
        self.ring.replace(KeyRecord.from_contract(key) for key in live)

    async def note_use(self) -> None:
        """Store when keys were last used, to the minute."""
        used = {key: at.replace(second=0, microsecond=0) for key, at in self.ring.last_used().items()}
        if used:
            await self.store.note_use(used)

    def _defined(self, order: KeyOrder, made: NewKey) -> KeyDefined:
        return KeyDefined(
            id=made.id,
            body=order.body,
            label=order.label,
            scopes=order.scopes,
            services=order.services,
            kind=order.kind,
            secret_sha256=made.secret_sha256,
            created_at=self.clock(),
            expires_at=order.expires_at,
        )

    async def _announcement(self, key: KeyDefined) -> tuple[Message, ...]:
        told = message(key, body=key.body, at=key.created_at)
        if await self.store.body_is_known(key.body):
            return (told,)
        return message(unnamed_body(key.body), body=key.body, at=key.created_at), told


def _fresher(stored: StoredKey, used: Mapping[str, datetime]) -> StoredKey:
    here = used.get(stored.key.id)
    if here is None or (stored.last_used_at is not None and stored.last_used_at >= here):
        return stored
    return StoredKey(stored.key, here.replace(second=0, microsecond=0))
