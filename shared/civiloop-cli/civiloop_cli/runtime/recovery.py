"""A new admin key for a platform whose first one is lost: whoever holds the data directory may make one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

from civiloop_cli.errors import CommandError
from civiloop_cli.runtime import postgres
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private
from civiloop_cli.runtime.database import DATABASE, role_urls
from civiloop_cli.runtime.local_secrets import LocalSecrets
from civiloop_cli.runtime.ports import Ports

_TIMEOUT_S = 30.0


def recover_admin_key(data_dir: DataDir) -> str:
    """Have the engine make a key, keep it in the data directory in place of the old one and return its text.

    The old key stays valid until it is revoked. Raises ``CommandError`` when the database can't be reached.
    """
    if not read_json(data_dir.secrets):
        raise CommandError(f"there is no platform in {data_dir.root}", hints=("name it with --data-dir",))
    secrets = LocalSecrets.load_or_make(data_dir)
    text = _ask_engine(_database_url(data_dir, secrets))
    write_private(data_dir.secrets, json.dumps(asdict(replace(secrets, admin_key=text)), indent=2) + "\n")
    return text


def _database_url(data_dir: DataDir, secrets: LocalSecrets) -> str:
    given = os.environ.get("DATABASE_URL")
    if given:
        return role_urls(given, secrets).evaluation
    base = data_dir.remembered_base()
    if base is None:
        raise CommandError("the platform was never started here", hints=("start it: civiloop up",))
    admin = postgres.dsn(
        Ports.from_base(base), user=postgres.SUPERUSER, password=secrets.postgres_password, database="postgres"
    )
    return role_urls(admin, secrets, database=DATABASE).evaluation


def _ask_engine(database_url: str) -> str:
    environment = {**os.environ, "DATABASE_URL": database_url, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "evaluation_engine", "recover-admin-key"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CommandError(f"the engine could not make a key: {last}", hints=("is the platform running? civiloop up",))
    return str(json.loads(done.stdout.strip().splitlines()[-1])["key"])
