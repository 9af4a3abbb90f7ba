from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civiloop_shared.auth import KeyRecord, KeyRing, NewKey, Scope, new_key
from civiloop_shared.errors import ForbiddenError, UnauthorisedError

pytestmark = pytest.mark.requirement("B22")

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(key: NewKey, *scopes: Scope, **overrides: Any) -> KeyRecord:
    return KeyRecord(
        **{
            "id": key.id,
            "body": "town",
            "scopes": frozenset(scopes),
            "secret_sha256": bytes.fromhex(key.secret_sha256),
            **overrides,
        }
    )


def ring_of(*records: KeyRecord) -> KeyRing:
    return KeyRing(records, clock=lambda: NOW)


def test_a_known_key_tells_who_is_calling() -> None:
    key = new_key()
    principal = ring_of(record(key, Scope.READ, services=frozenset({"permits"}))).authenticate(key.text)
    assert (principal.key_id, principal.body, principal.scopes) == (key.id, "town", frozenset({Scope.READ}))
    principal.demand_service("permits")
    with pytest.raises(ForbiddenError):
        principal.demand_service("passports")


def test_the_right_id_with_another_secret_is_refused() -> None:
    key, other = new_key(), new_key()
    forged = f"civ_{key.id}_{other.text.rpartition('_')[2] if '_' not in other.text[17:] else 'A' * 43}"
    with pytest.raises(UnauthorisedError):
        ring_of(record(key, Scope.READ)).authenticate(forged)


def test_known_and_unknown_ids_go_the_same_way_through_one_constant_time_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[int, int]] = []
    original = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return original(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    known, unknown = new_key(), new_key()
    ring = ring_of(record(known, Scope.READ))
    ring.authenticate(known.text)
    with pytest.raises(UnauthorisedError):
        ring.authenticate(unknown.text)
    assert compared == [(32, 32), (32, 32)]


@pytest.mark.parametrize(
    "overrides", [{"revoked_at": NOW}, {"expires_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)}]
)
def test_revoked_and_expired_keys_are_refused(overrides: dict[str, Any]) -> None:
    key = new_key()
    with pytest.raises(UnauthorisedError):
        ring_of(record(key, Scope.ADMIN, **overrides)).authenticate(key.text)


def test_two_keys_live_side_by_side_while_one_replaces_the_other() -> None:
    old, new = new_key(), new_key()
    ring = ring_of(record(old, Scope.READ), record(new, Scope.READ))
    assert ring.authenticate(old.text).body == ring.authenticate(new.text).body
    ring.revoke(old.id)
    ring.authenticate(new.text)
    with pytest.raises(UnauthorisedError):
        ring.authenticate(old.text)


def test_replace_leaves_exactly_the_given_keys() -> None:
    old, new = new_key(), new_key()
    ring = ring_of(record(old, Scope.READ))
    ring.replace([record(new, Scope.READ)])
    assert len(ring) == 1
    ring.authenticate(new.text)


def test_admin_implies_all_and_steward_implies_read() -> None:
    admin, steward = new_key(), new_key()
    ring = ring_of(record(admin, Scope.ADMIN), record(steward, Scope.STEWARD))
    assert ring.authenticate(admin.text).scopes == frozenset(Scope)
    assert ring.authenticate(steward.text).scopes == {Scope.STEWARD, Scope.READ}
    with pytest.raises(ForbiddenError):
        ring.authenticate(steward.text).demand(Scope.ADMIN)


def test_a_browser_key_can_only_write_whatever_its_record_says() -> None:
    key = new_key()
    principal = ring_of(record(key, Scope.ADMIN, kind="browser")).authenticate(key.text)
    assert principal.scopes == {Scope.FEEDBACK_WRITE, Scope.TELEMETRY_WRITE}
    limited = new_key()
    narrow = ring_of(record(limited, Scope.FEEDBACK_WRITE, Scope.READ, kind="browser"))
    assert narrow.authenticate(limited.text).scopes == {Scope.FEEDBACK_WRITE}


def test_when_a_key_was_last_used_is_known() -> None:
    used, unused = new_key(), new_key()
    ring = ring_of(record(used, Scope.READ), record(unused, Scope.READ))
    ring.authenticate(used.text)
    ring.add(record(used, Scope.STEWARD))
    assert ring.last_used() == {used.id: NOW}
