"""The data directory of one platform: where everything lies, whose version it is, who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from civiloop_cli.errors import AlreadyRunningError, DataDirError
from civiloop_cli.runtime.ports import DATA_DIR_VARIABLE

LAYOUT = 1


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file, or an empty one where there is no (whole) file."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths below the root; nothing is touched until `create`."""

    root: Path

    @classmethod
    def choose(cls, option: Path | None) -> DataDir:
        """The option wins over CIVILOOP_DATA_DIR, that over `.civiloop` in the working directory."""
        given = option or Path(os.environ.get(DATA_DIR_VARIABLE) or ".civiloop")
        return cls(given.expanduser().resolve())

    @property
    def logs(self) -> Path:
        """A log file for every child."""
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        """PGDATA."""
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        """Kafka's log.dirs and its generated configuration."""
        return self.root / "kafka"

    @property
    def secrets(self) -> Path:
        """Passwords, keys, and the first admin key (mode 0600)."""
        return self.root / "secrets.json"

    @property
    def version(self) -> Path:
        """Which versions wrote this directory."""
        return self.root / "version.json"

    @property
    def settings(self) -> Path:
        """What is remembered from one start to the next."""
        return self.root / "settings.json"

    @property
    def state(self) -> Path:
        """What runs now: supervisor, addresses, readiness."""
        return self.root / "state.json"

    @property
    def children(self) -> Path:
        """Process ids of the children with their start times."""
        return self.root / "children.json"

    @property
    def sample_loaded(self) -> Path:
        """Stands as soon as the sample was loaded."""
        return self.root / "sample-loaded"

    def create(self) -> None:
        """Make the directories.

        Raises:
            DataDirError: it can't be written.
        """
        try:
            for path in (self.root, self.logs, self.kafka):
                path.mkdir(parents=True, exist_ok=True)
            # As root, PostgreSQL runs under a user of its own and has to pass through.
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.logs.chmod(0o700)
            self.kafka.chmod(0o700)
            if not (self.root / ".gitignore").exists():
                (self.root / ".gitignore").write_text("*\n")
        except OSError as error:
            raise DataDirError(
                f"the data directory {self.root} can't be written: {error.strerror}",
                hints=("give another one with --data-dir or CIVILOOP_DATA_DIR",),
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory while the block runs; the system lets go if we are killed.

        Raises:
            AlreadyRunningError: another supervisor holds it.
        """
        with (self.root / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise AlreadyRunningError(
                    f"Civiloop already runs on {self.root}", hints=("civiloop status shows it, civiloop down stops it",)
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def holder_pid(self) -> int | None:
        """The process that holds the directory."""
        try:
            return int((self.root / "lock").read_text()) if self.is_held() else None
        except (OSError, ValueError):
            return None

    def is_held(self) -> bool:
        """True while a supervisor runs on this directory."""
        try:
            with (self.root / "lock").open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def remembered_base(self) -> int | None:
        """The port base of the last start."""
        base = read_json(self.settings).get("port_base")
        return base if isinstance(base, int) else None
