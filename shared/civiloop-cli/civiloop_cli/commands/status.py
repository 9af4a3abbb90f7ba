"""`civiloop status`: every part with its process, port and readiness."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psutil
import typer
from rich.table import Table

from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import DataDirOption, JsonOption
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.probe import service_gap
from civiloop_cli.runtime.state import State, read_state


def status(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Show every part: process, port, readiness, uptime, memory. Exit code 1 if not all are ready."""
    chosen = DataDir.choose(data_dir)
    state = read_state(chosen)
    parts = asyncio.run(_parts(state)) if state else []
    ready = bool(parts) and all(part["ready"] for part in parts)
    if json:
        print_json({"running": state is not None, "ready": ready, "data_dir": str(chosen.root), "parts": parts})
    elif state is None:
        stdout().print(f"Nothing runs on {chosen.root}.", soft_wrap=True)
    else:
        stdout().print(_table(parts))
    raise typer.Exit(0 if ready else 1)


async def _parts(state: State) -> list[dict[str, Any]]:
    supervisor = {"name": "supervisor", "pid": state.pid, "port": None, "ready": True, "restarts": 0, "ready_url": ""}
    return await asyncio.gather(*(_part(child) for child in [supervisor, *state.children]))


async def _part(child: dict[str, Any]) -> dict[str, Any]:
    process = _process(child["pid"])
    gap = await service_gap(child["ready_url"]) if process and child["ready_url"] else ""
    return {
        "name": child["name"],
        "pid": process.pid if process else None,
        "port": child["port"],
        "ready": bool(process) and not gap and bool(child["ready"]),
        "missing": gap if process else "not running",
        "uptime_s": round(time.time() - process.create_time()) if process else None,
        "rss_mb": round(_rss(process) / 1_000_000) if process else None,
        "restarts": child["restarts"],
        "log": child.get("log"),
    }


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid else None
    except psutil.Error:
        return None


def _rss(process: psutil.Process) -> int:
    """Resident bytes of the process; of PostgreSQL's back-ends only what they do not share is added."""
    try:
        own = int(process.memory_info().rss)
        if process.name() != "postgres":
            return own
        return own + sum(int(member.memory_full_info().uss) for member in process.children())
    except psutil.Error:
        return 0


def _table(parts: list[dict[str, Any]]) -> Table:
    table = Table("part", "state", "pid", "port", "up", "memory", "restarts")
    for part in parts:
        state = "[green]ready[/]" if part["ready"] else f"[red]{part['missing'] or 'starting'}[/]"
        up_for = "" if part["uptime_s"] is None else _duration(part["uptime_s"])
        memory = "" if part["rss_mb"] is None else f"{part['rss_mb']} MB"
        table.add_row(
            part["name"], state, str(part["pid"] or ""), str(part["port"] or ""), up_for, memory, str(part["restarts"])
        )
    return table


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s" if minutes else f"{left} s"
