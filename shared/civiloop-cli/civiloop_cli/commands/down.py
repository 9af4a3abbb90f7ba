"""`civiloop down`: stop what `up` started."""

from __future__ import annotations

import signal

import psutil

from civiloop_cli.console import fail, print_json, stderr, stdout
from civiloop_cli.errors import CommandError, StartError
from civiloop_cli.options import DataDirOption, JsonOption
from civiloop_cli.progress import progress_on
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.records import alive_records, end_left_over
from civiloop_cli.runtime.state import clear_state

STOP_TIMEOUT_S = 90.0


def down(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Stop the platform in order; processes left over by a killed run are ended as well."""
    chosen = DataDir.choose(data_dir)
    try:
        stopped = _stop_supervisor(chosen)
        ended = _end_rest(chosen)
    except CommandError as error:
        fail(error, as_json=json)
    if json:
        print_json({"stopped": stopped, "left_over_ended": ended})
    elif stopped or ended:
        stdout().print("Civiloop is stopped.")
    else:
        stdout().print(f"Nothing runs on {chosen.root}.", soft_wrap=True)


def _stop_supervisor(data_dir: DataDir) -> bool:
    pid = data_dir.holder_pid()
    if pid is None:
        return False
    with progress_on(stderr()) as progress, progress.step("Stopping Civiloop"):
        try:
            process = psutil.Process(pid)
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_TIMEOUT_S)
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied as error:
            raise StartError(f"the supervisor (pid {pid}) belongs to another user") from error
        except psutil.TimeoutExpired:
            process.kill()
    return True


def _end_rest(data_dir: DataDir) -> list[str]:
    if data_dir.is_held():
        raise StartError(f"a process that can't be found holds {data_dir.root}; end it and try again")
    records = alive_records(data_dir)
    if records and (stubborn := end_left_over(records)):
        names = ", ".join(f"{record.name} (pid {record.pid})" for record in stubborn)
        raise StartError(f"these processes can't be ended: {names}")
    clear_state(data_dir)
    return [record.name for record in records]
