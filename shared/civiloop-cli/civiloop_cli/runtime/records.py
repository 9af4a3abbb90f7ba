"""Process ids of the children with their start times, so that a killed run can be cleaned up."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from civiloop_cli.runtime.child import Child
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private

CLOCK_SLACK_S = 3.0
END_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """A child as it was when it was started."""

    name: str
    pid: int
    created_at: float
    stop_signal: int = signal.SIGTERM

    def process(self) -> psutil.Process | None:
        """The very process that was recorded, never another one that got its number."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.created_at) <= CLOCK_SLACK_S
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def write_records(path: Path, children: Iterable[Child]) -> None:
    """Put down every running child, in the order in which they were started."""
    records = [
        asdict(Record(child.spec.name, child.pid, created, child.spec.stop_signal))
        for child in children
        if child.pid is not None and (created := child.created_at()) is not None
    ]
    write_private(path, json.dumps({"children": records}, indent=2) + "\n")


def read_records(data_dir: DataDir) -> list[Record]:
    """What was put down last; damaged entries are left out."""
    return [record for entry in read_json(data_dir.children).get("children", []) if (record := _parse(entry))]


def _parse(entry: dict[str, Any]) -> Record | None:
    try:
        return Record(str(entry["name"]), int(entry["pid"]), float(entry["created_at"]), int(entry["stop_signal"]))
    except (KeyError, TypeError, ValueError):
        return None


def left_over(data_dir: DataDir) -> list[Record]:
    """Children that still run although no supervisor holds the directory."""
    return [] if data_dir.is_held() else alive_records(data_dir)


def alive_records(data_dir: DataDir) -> list[Record]:
    """The recorded children that still run."""
    return [record for record in read_records(data_dir) if record.process()]


def end_left_over(records: Iterable[Record], *, grace_s: float = END_GRACE_S) -> list[Record]:
    """End the recorded processes, last started first; returns those that would not go."""
    stubborn = []
    for record in reversed(list(records)):
        process = record.process()
        if process is not None and not _end(process, record.stop_signal, grace_s):
            stubborn.append(record)
    return stubborn


def _end(process: psutil.Process, stop_signal: int, grace_s: float) -> bool:
    try:
        process.send_signal(signal.SIGCONT)
        process.send_signal(stop_signal)
        process.wait(grace_s)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
    except psutil.TimeoutExpired:
        return _kill(process)
    return True


def _kill(process: psutil.Process) -> bool:
    try:
        process.kill()
        process.wait(END_GRACE_S)
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, psutil.TimeoutExpired):
        return False
    return True
