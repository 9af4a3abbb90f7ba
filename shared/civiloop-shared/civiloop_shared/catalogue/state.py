"""What the records of the catalogue topic add up to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from civiloop_shared.auth import KeyRecord, KeyRing
from civiloop_shared.contracts.catalogue import BodyDefined, KeyDefined, ServiceDefined
from civiloop_shared.contracts.envelope import InvalidEventError, decode

_log = logging.getLogger(__name__)

R = TypeVar("R", ServiceDefined, BodyDefined, KeyDefined)


@dataclass(frozen=True, slots=True)
class Change:
    """One record as it came: ``value`` None means gone. ``key`` is ``body/<id>``, ``service/<id>`` or ``key/<id>``."""

    key: bytes
    value: bytes | None

    @property
    def kind(self) -> str:
        """Return ``body``, ``service`` or ``key``."""
        return self.key.decode(errors="replace").partition("/")[0]

    @property
    def id(self) -> str:
        """Return the id of what changed."""
        return self.key.decode(errors="replace").partition("/")[2]


class CatalogueState:
    """Services, bodies and keys by id, and the raw records that they came from."""

    def __init__(self, keys: KeyRing | None = None) -> None:
        self.keys = keys if keys is not None else KeyRing()
        self.services: dict[str, ServiceDefined] = {}
        self.bodies: dict[str, BodyDefined] = {}
        self.skipped = 0
        self._raw: dict[bytes, bytes] = {}
        self._taking: dict[str, Callable[[str, bytes | None], None]] = {
            "service": self._take_service,
            "body": self._take_body,
            "key": self._take_key,
        }

    def known(self) -> set[bytes]:
        """Return the record keys that have a value now."""
        return set(self._raw)

    def apply(self, changes: Iterable[Change]) -> list[Change]:
        """Take changes in order and return those that were really news. What can't be read is logged and skipped."""
        return [change for change in changes if self._apply(change)]

    def _apply(self, change: Change) -> bool:
        if self._raw.get(change.key) == change.value:
            return False
        take = self._taking.get(change.kind)
        if take is None:
            self._skip(change, "unknown kind")
            return False
        try:
            take(change.id, change.value)
        except (InvalidEventError, ValidationError) as error:
            self._skip(change, type(error).__name__)
            return False
        if change.value is None:
            self._raw.pop(change.key, None)
        else:
            self._raw[change.key] = change.value
        return True

    def _take_service(self, service_id: str, value: bytes | None) -> None:
        if value is None:
            self.services.pop(service_id, None)
        else:
            self.services[service_id] = _read(ServiceDefined, service_id, value)

    def _take_body(self, body_id: str, value: bytes | None) -> None:
        if value is None:
            self.bodies.pop(body_id, None)
        else:
            self.bodies[body_id] = _read(BodyDefined, body_id, value)

    def _take_key(self, key_id: str, value: bytes | None) -> None:
        if value is None:
            self.keys.revoke(key_id)
        else:
            self.keys.add(KeyRecord.from_contract(_read(KeyDefined, key_id, value)))

    def _skip(self, change: Change, reason: str) -> None:
        self.skipped += 1
        _log.error("catalogue record %r is skipped: %s", change.key[:80], reason)


def _read(record_type: type[R], record_id: str, value: bytes) -> R:
    event = decode(value)
    if event.type != record_type.TYPE:
        raise InvalidEventError("unknown_type", "the record has a type that is not known here")
    record = record_type.model_validate(event.data)
    if record.id != record_id:
        raise InvalidEventError("key_mismatch", "the record's key names another id")
    return record
