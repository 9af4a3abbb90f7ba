"""All keys in memory: looked up at every request, changed by the catalogue topic."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from civiloop_shared.auth.keys import KeyRecord, parse_key
from civiloop_shared.auth.principal import Principal, effective_scopes
from civiloop_shared.errors import UnauthorisedError

_NO_DIGEST = bytes(32)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Entry:
    record: KeyRecord
    principal: Principal
    last_used: datetime | None = None


class KeyRing:
    """Knows keys by id. ``clock`` returns the time now with its zone."""

    def __init__(self, records: Iterable[KeyRecord] = (), *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        for record in records:
            self.add(record)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, record: KeyRecord) -> None:
        """Take up a key, or what is new about it. Takes effect at the next request."""
        principal = Principal(
            record.id, record.body, effective_scopes(record.scopes, record.kind), record.services, record.kind
        )
        known = self._entries.get(record.id)
        self._entries[record.id] = _Entry(record, principal, known.last_used if known else None)

    def revoke(self, key_id: str) -> None:
        """Forget a key: from now on it is unknown."""
        self._entries.pop(key_id, None)

    def replace(self, records: Iterable[KeyRecord]) -> None:
        """Know exactly these keys from now on."""
        records = list(records)
        for gone in self._entries.keys() - {record.id for record in records}:
            self.revoke(gone)
        for record in records:
            self.add(record)

    def authenticate(self, text: str) -> Principal:
        """Return who holds this key.

        Raises ``UnauthorisedError`` for anything but a live key, always the same one, and compares the digest in
        constant time also when the id is unknown.
        """
        key = parse_key(text)
        if key is None:
            raise UnauthorisedError
        entry = self._entries.get(key.id)
        stored = entry.record.secret_sha256 if entry else _NO_DIGEST
        matches = hmac.compare_digest(key.secret_sha256(), stored)
        now = self._clock()
        if entry is None or not matches or not entry.record.is_live(now):
            raise UnauthorisedError
        entry.last_used = now
        return entry.principal

    def last_used(self) -> dict[str, datetime]:
        """Return when each key was last used in this process."""
        return {key_id: entry.last_used for key_id, entry in self._entries.items() if entry.last_used is not None}
