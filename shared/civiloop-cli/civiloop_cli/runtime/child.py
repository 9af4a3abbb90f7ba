"""One child process: what it is, starting, watching and stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LOG_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How a child is started and stopped. `ready_url` is asked for 200; without it, see `probe`."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    log: Path
    port: int
    cwd: Path
    ready_url: str = ""
    stop_signal: int = signal.SIGTERM
    grace_s: float = 15.0
    user: str | None = None


class Child:
    """A child in a process group of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self.ready = False
        self.started_at = 0.0
        self._log_begin = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the last run ended; None while it runs or before the first one."""
        return self._process.poll() if self._process else None

    def start(self) -> int:
        """Start the process and return its id; its output is appended to the log."""
        spec = self.spec
        trim_log(spec.log)
        with spec.log.open("ab") as log:
            self._log_begin = log.tell()
            self._process = subprocess.Popen(
                spec.argv,
                env=dict(spec.env),
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=spec.user,
                group=spec.user,
                extra_groups=() if spec.user else None,
            )
        self.ready = False
        self.started_at = time.time()
        return self._process.pid

    def send(self, number: int) -> None:
        """Send a signal to the process, if it runs."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the whole process group at once and reap the child."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()

    def stop(self) -> bool:
        """Ask the child to stop and wait for its grace, then kill it; True when it stopped by itself."""
        if self._process is None or self._process.poll() is not None:
            return True
        self.send(self.spec.stop_signal)
        try:
            self._process.wait(self.spec.grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def created_at(self) -> float | None:
        """The system's start time of the running process, to know it again by."""
        try:
            return psutil.Process(self.pid).create_time() if self.pid else None
        except psutil.Error:
            return None

    def last_lines(self, count: int = 12) -> list[str]:
        """The end of what the last run wrote to the log."""
        return tail(self.spec.log, count, begin=self._log_begin)


def tail(path: Path, count: int, *, begin: int = 0) -> list[str]:
    """The last lines of a file after `begin`, reading at most its last 64 KB."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(begin if begin <= size else 0, size - 65536))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def trim_log(path: Path, limit: int = LOG_LIMIT_BYTES) -> None:
    """Keep one older log; works under a running writer, which appends to the emptied file."""
    try:
        if path.stat().st_size <= limit:
            return
        path.with_suffix(".log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
    except OSError:
        return
