"""Secrets of one installation: made once, kept in the data directory, mode 0600."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, fields

from civiloop_cli.errors import DataDirError
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private
from civiloop_shared.auth.keys import new_key, parse_key


@dataclass(frozen=True, slots=True)
class LocalSecrets:
    """Everything is text that fits into an environment variable or a URL."""

    postgres_password: str
    feedback_password: str
    evaluation_password: str
    reporting_password: str
    contact_key: str
    receipt_secret: str
    webhook_key: str
    admin_key: str
    kafka_cluster_id: str

    @classmethod
    def new(cls) -> LocalSecrets:
        """Random values: passwords of 192 bits, keys of 256."""
        return cls(
            postgres_password=secrets.token_hex(24),
            feedback_password=secrets.token_hex(24),
            evaluation_password=secrets.token_hex(24),
            reporting_password=secrets.token_hex(24),
            contact_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            receipt_secret=secrets.token_urlsafe(48),
            webhook_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            admin_key=new_key().text,
            kafka_cluster_id=_cluster_id(),
        )

    @classmethod
    def load_or_make(cls, data_dir: DataDir) -> LocalSecrets:
        """What the data directory has; what is missing there is made and kept.

        Raises:
            DataDirError: the file is there but can't be read as what it should be.
        """
        known = read_json(data_dir.secrets)
        if data_dir.secrets.exists() and not known:
            raise DataDirError(f"{data_dir.secrets} is damaged", hints=("restore it from a backup",))
        made = cls(**{**asdict(cls.new()), **{f.name: known[f.name] for f in fields(cls) if f.name in known}})
        if asdict(made) != known:
            write_private(data_dir.secrets, json.dumps(asdict(made), indent=2) + "\n")
        data_dir.secrets.chmod(0o600)
        return made

    @property
    def bootstrap_record(self) -> str:
        """The public record of the first admin key: `<id>:<sha256 of its secret>`."""
        key = parse_key(self.admin_key)
        if key is None:
            raise DataDirError("the first admin key in secrets.json is damaged", hints=("restore it from a backup",))
        return f"{key.id}:{key.secret_sha256().hex()}"


def _cluster_id() -> str:
    """A random uuid in Kafka's notation: 22 characters of base64url, never beginning with a dash."""
    while True:
        made = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not made.startswith("-"):
            return made
