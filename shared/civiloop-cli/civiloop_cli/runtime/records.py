"""Process ids of the children with their start times, so that a killed run can be cleaned up."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from civiloop_cli.runtime.child import Child
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private

CLOCK_SLACK_S = 3.0
END_GRACE_S = 10.0
LAST = ("kafka", "postgres")


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
    """End the recorded processes, the services before Kafka and PostgreSQL; returns those that would not go."""
    found = list(records)
    last = [record for record in found if record.name in LAST]
    first = [record for record in found if record.name not in LAST]
    return [*_end_together(first, grace_s), *_end_together(last, grace_s)]


def _end_together(records: list[Record], grace_s: float) -> list[Record]:
    """Ask all, wait for their grace, kill the rest."""
    alive = {record: process for record in records if (process := record.process())}
    for record, process in alive.items():
        _send(process, signal.SIGCONT)
        _send(process, record.stop_signal)
    _, stubborn = psutil.wait_procs(alive.values(), timeout=grace_s)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=END_GRACE_S)
    return [record for record in alive if record.process()]


def _send(process: psutil.Process, number: int) -> None:
    """A process that is gone, or is another user's, is seen when we look again."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process.send_signal(number)
