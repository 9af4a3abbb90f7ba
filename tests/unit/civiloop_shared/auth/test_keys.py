from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.auth import KeyRecord, Scope, new_key, parse_key
from civiloop_shared.contracts.catalogue import KeyDefined

pytestmark = pytest.mark.requirement("B22")

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_new_key_reads_back_and_its_digest_is_of_the_secret_alone() -> None:
    made = new_key()
    key = parse_key(made.text)
    assert key is not None
    assert made.text == f"civ_{made.id}_{key.secret}"
    assert made.secret_sha256 == hashlib.sha256(key.secret.encode()).hexdigest()
    assert len(key.secret) == 43


def test_keys_differ_and_fit_the_contract() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key.id for key in keys}) == len({key.text for key in keys}) == 200
    made = keys[0]
    contract = KeyDefined(
        id=made.id, body="town", scopes=frozenset({Scope.READ}), secret_sha256=made.secret_sha256, created_at=NOW
    )
    record = KeyRecord.from_contract(contract)
    assert record.secret_sha256.hex() == made.secret_sha256
    assert (record.body, record.scopes) == ("town", frozenset({Scope.READ}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "civ_",
        "civ_short_" + "A" * 43,
        "civ_abcdefgh_" + "A" * 42,
        "civ_abcdefgh_" + "A" * 44,
        "civ_abcdefgh_" + "A" * 42 + "!",
        "civ_abcdefgh_" + "A" * 43 + "\n",
        "CIV_abcdefgh_" + "A" * 43,
        "civ_abcdefg٣_" + "A" * 43,
        "x" * 100_000,
    ],
)
def test_anything_else_is_not_a_key(text: str) -> None:
    assert parse_key(text) is None


@given(st.text())
def test_no_text_makes_the_parser_fail(text: str) -> None:
    parse_key(text)


def test_no_secret_shows_in_a_representation() -> None:
    made = new_key()
    key = parse_key(made.text)
    assert key is not None
    assert key.secret not in repr(key)
    assert key.secret not in repr(made)


@pytest.mark.parametrize(
    ("expires", "revoked", "live"),
    [(None, None, True), (1, None, True), (0, None, False), (-1, None, False), (None, 0, False), (None, 1, True)],
)
def test_a_key_lives_until_it_expires_or_is_revoked(expires: int | None, revoked: int | None, live: bool) -> None:
    record = KeyRecord(
        id="abcdefgh",
        body="town",
        scopes=frozenset(),
        secret_sha256=bytes(32),
        expires_at=None if expires is None else NOW + timedelta(days=expires),
        revoked_at=None if revoked is None else NOW + timedelta(days=revoked),
    )
    assert record.is_live(NOW) is live
