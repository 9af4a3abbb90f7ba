"""What stands in the way of a start, found before anything is started."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from civiloop_cli.errors import CommandError, PortTakenError
from civiloop_cli.runtime import postgres
from civiloop_cli.runtime.data_dir import LAYOUT, DataDir, read_json
from civiloop_cli.runtime.jars import (
    KAFKA_VERSION,
    MIRROR_VARIABLE,
    WAYS_OUT,
    cache_dir,
    committed_jars,
    missing_jars,
)
from civiloop_cli.runtime.kafka import java_home
from civiloop_cli.runtime.ports import Ports, require_free
from civiloop_cli.runtime.records import left_over

OLDEST_PYTHON = (3, 11)
DISK_NEEDED_MB = 1_000
DISK_WANTED_MB = 4_000
PROXY_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    MIRROR_VARIABLE,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Level: ok, note, warning, blocker."""

    check: str
    level: str
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        """For `doctor --json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined."""

    data_dir: DataDir
    base: int
    needed_ports: tuple[str, ...]
    embedded_kafka: bool = True
    embedded_postgres: bool = True


def examine(subject: Subject) -> list[Finding]:
    """Look at everything; takes well under a second."""
    running = subject.data_dir.is_held()
    findings = [
        python_finding(sys.version_info[:2], in_venv=sys.prefix != sys.base_prefix),
        venv_finding(),
        system_finding(platform.system(), platform.libc_ver()[0]),
        *proxy_findings(os.environ),
        disk_finding(subject.data_dir.root, "data directory"),
        data_dir_finding(subject.data_dir),
        version_finding(subject.data_dir),
        left_over_finding(subject.data_dir),
        Finding("ports", "ok", "in use by the Civiloop that runs here") if running else ports_finding(subject),
    ]
    if subject.embedded_kafka:
        findings += [part_finding("java", java_home), jars_finding()]
    if subject.embedded_postgres:
        findings.append(part_finding("postgresql", postgres.binaries))
    return findings


def blockers(findings: Iterable[Finding]) -> list[Finding]:
    """Those that make a start impossible."""
    return [finding for finding in findings if finding.level == "blocker"]


def python_finding(version: tuple[int, int], *, in_venv: bool) -> Finding:
    """Python must be new enough."""
    shown = ".".join(str(part) for part in version)
    if version < OLDEST_PYTHON:
        return Finding(
            "python", "blocker", f"Python {shown} is too old", "install Python 3.11 or newer, then: make setup"
        )
    return Finding("python", "ok", f"Python {shown}{'' if in_venv else ', outside a virtual environment'}")


def venv_finding() -> Finding:
    """Without `venv` and `ensurepip` the environment can't be made anew."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        hint = "install it (on Debian and Ubuntu: apt install python3-venv); needed by `make setup` only"
        return Finding("venv", "warning", f"Python's module {' and '.join(missing)} is missing", hint)
    return Finding("venv", "ok", "the modules venv and ensurepip are there")


def system_finding(system: str, libc: str) -> Finding:
    """The wheels are made for Linux with glibc and for macOS."""
    if system == "Darwin" or (system == "Linux" and libc == "glibc"):
        return Finding("system", "ok", f"{system} {platform.machine()}")
    what = "Linux with musl (Alpine)" if system == "Linux" else system
    return Finding("system", "blocker", f"there are no PostgreSQL and Java wheels for {what}", WAYS_OUT[1])


def proxy_findings(environment: Mapping[str, str]) -> list[Finding]:
    """Which proxy and mirror settings are in force; credentials are left out."""
    given = {n: v for n, v in environment.items() if n.upper() in PROXY_VARIABLES and v}
    findings = [
        Finding("proxy", "note", f"{name}={_without_credentials(value)}") for name, value in sorted(given.items())
    ]
    has_proxy = any(name.upper() in ("HTTP_PROXY", "ALL_PROXY") for name in given)
    spared = ",".join(value for name, value in given.items() if name.upper() == "NO_PROXY")
    if has_proxy and not ({"127.0.0.1", "*"} & {part.strip() for part in spared.split(",")}):
        hint = "export NO_PROXY=127.0.0.1,localhost"
        findings.append(Finding("proxy", "warning", "a proxy is set and NO_PROXY does not spare 127.0.0.1", hint))
    return findings or [Finding("proxy", "ok", "no proxy or mirror is set")]


def _without_credentials(value: str) -> str:
    host = urlsplit(value).netloc.rpartition("@")
    return value.replace(f"{host[0]}@", "***@") if host[1] else value


def disk_finding(path: Path, what: str) -> Finding:
    """Kafka and PostgreSQL stop when the disk is full."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    message = f"{free_mb:,} MB free at the {what} {path}"
    if free_mb < DISK_NEEDED_MB:
        return Finding("disk", "blocker", message, f"free {DISK_NEEDED_MB:,} MB or give another place with --data-dir")
    return Finding("disk", "warning" if free_mb < DISK_WANTED_MB else "ok", message)


def data_dir_finding(data_dir: DataDir) -> Finding:
    """The data directory, or the nearest folder above it, must be writable."""
    existing = next(folder for folder in (data_dir.root, *data_dir.root.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        hint = "give another one with --data-dir or CIVILOOP_DATA_DIR"
        return Finding("data directory", "blocker", f"{existing} can't be written", hint)
    return Finding("data directory", "ok", str(data_dir.root))


def version_finding(data_dir: DataDir) -> Finding:
    """Data of another version is named, never touched."""
    hint = "start that version on it, or give another place with --data-dir"
    wrote = read_json(data_dir.version)
    if wrote and wrote.get("layout") != LAYOUT:
        what = (
            f"the data was written by Civiloop {wrote.get('civiloop')} (layout {wrote.get('layout')}, ours is {LAYOUT})"
        )
        return Finding("data version", "blocker", what, hint)
    found = postgres.data_version(data_dir)
    if found is not None and found != postgres.MAJOR:
        what = f"the data was written by PostgreSQL {found}, this is PostgreSQL {postgres.MAJOR}"
        return Finding("data version", "blocker", what, hint)
    if wrote and _numbers(wrote.get("kafka")) > _numbers(KAFKA_VERSION):
        what = f"the data was written by Kafka {wrote.get('kafka')}, this is the older {KAFKA_VERSION}"
        return Finding("data version", "blocker", what, hint)
    return Finding("data version", "ok", "of this version" if wrote else "no data yet")


def _numbers(version: object) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version).split(".") if part.isdecimal())


def left_over_finding(data_dir: DataDir) -> Finding:
    """Children of a killed run still hold ports and files."""
    records = left_over(data_dir)
    if not records:
        return Finding("left-over processes", "ok", "none")
    names = ", ".join(f"{record.name} (pid {record.pid})" for record in records)
    return Finding(
        "left-over processes", "warning", f"of a killed run: {names}", "civiloop up ends them; so does civiloop down"
    )


def ports_finding(subject: Subject) -> Finding:
    """All our ports must be free (those of left-over processes will be)."""
    try:
        ports = Ports.from_base(subject.base)
        if not left_over(subject.data_dir):
            require_free(ports, subject.needed_ports, base=subject.base)
    except PortTakenError as error:
        return Finding("ports", "blocker", error.message, "; ".join(error.hints))
    numbers = [ports[name] for name in subject.needed_ports]
    return Finding("ports", "ok", f"{min(numbers)} to {max(numbers)} are free")


def part_finding(name: str, locate: Callable[[], Path]) -> Finding:
    """A part that a wheel brings must be there."""
    try:
        return Finding(name, "ok", str(locate()))
    except CommandError as error:
        return Finding(name, "blocker", error.message, "; ".join(error.hints))


def jars_finding() -> Finding:
    """Whether the next start has to fetch Kafka's jars."""
    jars = committed_jars()
    missing = missing_jars(jars, cache_dir() / "jars")
    if missing:
        return Finding(
            "kafka jars", "note", f"{len(missing)} of {len(jars)} will be fetched into {cache_dir()}", WAYS_OUT[0]
        )
    return Finding("kafka jars", "ok", f"{len(jars)} in {cache_dir()}, sums as committed")
