"""What runs on a data directory now, written by the supervisor for `status`, `down` and other commands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from civiloop_cli.platform import Platform
from civiloop_cli.runtime.child import Child
from civiloop_cli.runtime.data_dir import DataDir, read_json, write_private
from civiloop_cli.runtime.records import Record


@dataclass(slots=True)
class State:
    """The supervisor writes it whenever something changes; everyone else only reads."""

    pid: int
    created_at: float
    ready: bool = False
    platform: dict[str, Any] = field(default_factory=dict)
    children: list[dict[str, Any]] = field(default_factory=list)

    def write(self, data_dir: DataDir, children: Iterable[Child]) -> None:
        """Put down how the children are."""
        self.children = [
            {
                "name": child.spec.name,
                "pid": child.pid,
                "port": child.spec.port,
                "ready": child.ready,
                "restarts": child.restarts,
                "log": str(child.spec.log),
                "ready_url": child.spec.ready_url,
            }
            for child in children
        ]
        write_private(data_dir.state, json.dumps(asdict(self), indent=2) + "\n")


def read_state(data_dir: DataDir) -> State | None:
    """The state of the supervisor that holds the directory; None when nobody does."""
    found = read_json(data_dir.state)
    if not data_dir.is_held() or not {"pid", "created_at"} <= found.keys():
        return None
    state = State(**{name: value for name, value in found.items() if name in State.__dataclass_fields__})
    # What a killed run has left does not count, although its successor may hold the directory already.
    return state if supervisor_of(state) else None


def own_state() -> State:
    """The state of this very process."""
    return State(os.getpid(), psutil.Process().create_time())


def clear_state(data_dir: DataDir) -> None:
    """Nobody runs here any more."""
    data_dir.state.unlink(missing_ok=True)


def running_platform(data_dir: DataDir) -> Platform | None:
    """The platform that runs on the directory, as the other commands want it; None when none is ready.

    `database_url` is left empty: commands speak to the services.
    """
    state = read_state(data_dir)
    if state is None or not state.ready:
        return None
    facts = {name: value for name, value in state.platform.items() if name in Platform.__dataclass_fields__}
    return Platform(**{**facts, "data_dir": data_dir.root, "database_url": ""})


def supervisor_of(state: State) -> psutil.Process | None:
    """The supervisor's process, while it runs."""
    return Record("supervisor", state.pid, state.created_at).process()
