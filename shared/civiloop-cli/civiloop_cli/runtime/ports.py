"""Which port belongs to whom, and whether it is free."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from civiloop_cli.errors import PortTakenError

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 8600
DATA_DIR_VARIABLE = "CIVILOOP_DATA_DIR"
OFFSETS = {
    "feedback-api": 1,
    "metrics-collector": 2,
    "evaluation-engine": 3,
    "reporting": 4,
    "engine-worker": 5,
    "postgres": 6,
    "kafka": 7,
    "kafka-controller": 8,
}


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one platform, counted from a base or given one by one."""

    numbers: dict[str, int]

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """The ports base + 1 to base + 8."""
        if not 1024 <= base <= 65535 - max(OFFSETS.values()):
            raise PortTakenError(f"--port-base {base} is out of range", hints=("take one from 1024 to 65527",))
        return cls({name: base + offset for name, offset in OFFSETS.items()})

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on just now, for tests."""
        sockets = [socket.socket() for _ in OFFSETS]
        try:
            for held in sockets:
                held.bind((LOOPBACK, 0))
            return cls({name: held.getsockname()[1] for name, held in zip(OFFSETS, sockets, strict=True)})
        finally:
            for held in sockets:
                held.close()

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port, as far as the system tells."""

    pid: int | None = None
    name: str = ""
    data_dir: str = ""

    def __str__(self) -> str:
        if self.data_dir:
            return f"by the Civiloop whose data lies in {self.data_dir}"
        return f"by {self.name} (pid {self.pid})" if self.pid else "by another program"


def is_taken(port: int) -> bool:
    """True when something on this machine listens on the loopback port or holds it."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    with socket.socket() as trial:
        trial.settimeout(0.2)
        return trial.connect_ex((LOOPBACK, port)) == 0


def holder_of(port: int) -> Holder:
    """Who listens on the port; empty when the system does not tell us."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return Holder()
    for connection in connections:
        if connection.laddr and connection.laddr[1] == port and connection.status == psutil.CONN_LISTEN:
            return _describe(connection.pid)
    return Holder()


def _describe(pid: int | None) -> Holder:
    if pid is None:
        return Holder()
    try:
        process = psutil.Process(pid)
        name = process.name()
    except psutil.Error:
        return Holder(pid)
    try:
        cwd = Path(process.cwd())
    except (psutil.Error, OSError):
        return Holder(pid, name)
    # Our children work in the data directory or right below it.
    found = next((folder for folder in (cwd, cwd.parent) if (folder / "secrets.json").exists()), None)
    return Holder(pid, name, str(found or ""))


def taken_ports(ports: Ports, needed: Iterable[str]) -> dict[str, int]:
    """Those of the needed ports that are in use."""
    return {name: ports[name] for name in needed if is_taken(ports[name])}


def free_base(start: int) -> int | None:
    """The next base, in steps of 100, whose ports are all free."""
    for base in range(start + 100, 65400, 100):
        if not taken_ports(Ports.from_base(base), OFFSETS):
            return base
    return None


def require_free(ports: Ports, needed: Iterable[str], *, base: int) -> None:
    """Raise with the first taken port, who holds it, and the setting that changes it.

    Raises:
        PortTakenError: a needed port is in use.
    """
    taken = taken_ports(ports, needed)
    if not taken:
        return
    name, port = next(iter(taken.items()))
    others = "".join(f", {number} ({other})" for other, number in list(taken.items())[1:])
    raise PortTakenError(
        f"port {port} ({name}) is in use {holder_of(port)}{f'; also in use: {others[2:]}' if others else ''}",
        hints=_ways_out(base),
    )


def _ways_out(base: int) -> tuple[str, ...]:
    other = free_base(base)
    if other is None:
        return ("give another base with --port-base or CIVILOOP_PORT_BASE",)
    return (
        f"start on other ports: `civiloop up --port-base {other}`, or `CIVILOOP_PORT_BASE={other} make run`"
        " (the data directory remembers it)",
    )


def base_from(option: int | None, remembered: int | None) -> int:
    """The option wins over CIVILOOP_PORT_BASE, that over what the data directory remembers, that over 8600."""
    if option is not None:
        return option
    given = os.environ.get("CIVILOOP_PORT_BASE", "")
    if given:
        if not given.isdecimal():
            raise PortTakenError(f"CIVILOOP_PORT_BASE is not a number: {given!r}")
        return int(given)
    return remembered if remembered is not None else DEFAULT_BASE
