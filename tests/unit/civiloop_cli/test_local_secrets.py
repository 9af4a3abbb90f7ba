import base64
import dataclasses
import hashlib
import json
import stat

import pytest

from civiloop_cli.errors import DataDirError
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.local_secrets import LocalSecrets


def test_secrets_are_made_once(data_dir: DataDir) -> None:
    assert LocalSecrets.load_or_make(data_dir) == LocalSecrets.load_or_make(data_dir)


def test_two_installations_share_no_secret() -> None:
    one, other = dataclasses.asdict(LocalSecrets.new()), dataclasses.asdict(LocalSecrets.new())
    assert all(one[name] != other[name] for name in one)


def test_secrets_can_be_read_by_their_owner_only(data_dir: DataDir) -> None:
    LocalSecrets.load_or_make(data_dir)
    assert stat.S_IMODE(data_dir.secrets.stat().st_mode) == 0o600
    data_dir.secrets.chmod(0o644)
    LocalSecrets.load_or_make(data_dir)
    assert stat.S_IMODE(data_dir.secrets.stat().st_mode) == 0o600


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(data_dir: DataDir) -> None:
    made = LocalSecrets.load_or_make(data_dir)
    known = json.loads(data_dir.secrets.read_text())
    del known["receipt_secret"]
    data_dir.secrets.write_text(json.dumps(known))
    renewed = LocalSecrets.load_or_make(data_dir)
    assert renewed.admin_key == made.admin_key
    assert renewed.receipt_secret != made.receipt_secret


def test_a_damaged_file_is_never_replaced(data_dir: DataDir) -> None:
    data_dir.secrets.write_text('{"admin_key": "civ_')
    with pytest.raises(DataDirError):
        LocalSecrets.load_or_make(data_dir)
    assert data_dir.secrets.read_text() == '{"admin_key": "civ_'


def test_the_services_learn_the_hash_of_the_first_key_and_not_the_key() -> None:
    made = LocalSecrets.new()
    _, key_id, secret = made.admin_key.split("_", 2)
    assert made.bootstrap_record == f"{key_id}:{hashlib.sha256(secret.encode()).hexdigest()}"
    assert secret not in made.bootstrap_record


def test_keys_are_as_long_as_the_services_want_them() -> None:
    made = LocalSecrets.new()
    assert len(base64.urlsafe_b64decode(made.contact_key)) == 32
    assert len(made.receipt_secret) >= 32
    assert len(made.kafka_cluster_id) == 22
