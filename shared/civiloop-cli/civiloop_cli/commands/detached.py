"""Starting the supervisor in a session of its own and waiting until it says that all is ready."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from civiloop_cli.console import stderr
from civiloop_cli.errors import CommandError, StartError
from civiloop_cli.platform import Platform
from civiloop_cli.runtime.child import trim_log
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private
from civiloop_cli.runtime.state import running_platform

POLL_S = 0.1
DETACHED_VARIABLE = "CIVILOOP_DETACHED"


def start_detached(data_dir: DataDir, base: int, *, no_sample: bool) -> Platform:
    """Start it, show what it says, and return when it is ready.

    Raises:
        CommandError: it ended before it was ready; what it said was shown.
    """
    data_dir.create()
    _error_file(data_dir).unlink(missing_ok=True)
    log = data_dir.logs / "supervisor.log"
    trim_log(log)
    argv = [sys.executable, "-m", "civiloop_cli", "up", "--data-dir", str(data_dir.root), "--port-base", str(base)]
    with log.open("ab") as file:
        begin = file.tell()
        process = subprocess.Popen(
            [*argv, *(["--no-sample"] if no_sample else [])],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, DETACHED_VARIABLE: "1"},
        )
    try:
        return _follow(process, data_dir, _Echo(log, begin))
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise StartError("interrupted; everything is stopped again") from None


def _error_file(data_dir: DataDir) -> Path:
    return data_dir.root / "last-error.json"


def leave_error(data_dir: DataDir, error: CommandError) -> None:
    """Hand an error over to the one who waits."""
    text = json.dumps({"code": error.code, "message": error.message, "hints": error.hints})
    write_private(_error_file(data_dir), text + "\n")


def _left_error(data_dir: DataDir) -> CommandError | None:
    found = read_json(_error_file(data_dir))
    if not found:
        return None
    error = CommandError(found["message"], hints=tuple(found["hints"]))
    error.code = found["code"]
    return error


class _Echo:
    """Shows what is added to the log."""

    def __init__(self, log: Path, begin: int) -> None:
        self._log = log
        self._offset = begin
        self._console = stderr()

    def show(self) -> None:
        """Print what came since the last call."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        if whole:
            self._console.print(whole.decode(errors="replace").rstrip("\n"), markup=False, soft_wrap=True)


def _follow(process: subprocess.Popen[bytes], data_dir: DataDir, echo: _Echo) -> Platform:
    while True:
        ended = process.poll()
        platform = running_platform(data_dir)
        echo.show()
        if ended is not None:
            raise _left_error(data_dir) or StartError(f"it ended with exit code {ended} before it was ready")
        if platform is not None:
            return platform
        time.sleep(POLL_S)
