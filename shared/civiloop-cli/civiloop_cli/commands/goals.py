"""`civiloop goals`."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from civiloop_cli.commands.connection import (
    ENGINE,
    Connection,
    DataDirOption,
    KeyOption,
    ServiceArgument,
    UrlOption,
)
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption
from civiloop_cli.scorecard import VERDICTS, amount, days_of

_STATES = {
    "reached": ("reached", "green"),
    "not_reached": ("not reached", "bold red"),
    "open": ("open", "yellow"),
    "no_target": ("has no target", "dim"),
    "no_kpi": ("nothing measures it", "bold red"),
}


def goals(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the goals of a service, how far their KPIs are, and what hangs loose on either side."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/goals")
    if json:
        print_json(found)
        return
    console = stdout()
    console.print(f"{service}  {days_of(found['period'])}")
    for goal in found["goals"]:
        for line in _lines(goal):
            console.print(line, soft_wrap=True)
    for line in _loose(found):
        console.print(line, soft_wrap=True)


def _lines(goal: dict[str, Any]) -> list[str]:
    word, style = _STATES[goal["state"]]
    progress = goal["progress"]
    statement = goal["statement"].get("en") or next(iter(goal["statement"].values()))
    lines = [
        f"[bold]{escape(statement)}[/] ({goal['outcome']} outcome): [{style}]{word}[/]"
        f", {progress['met']} of {progress['targets']} targets met"
    ]
    targets: dict[str, list[dict[str, Any]]] = {}
    for target in goal["targets"]:
        targets.setdefault(target["kpi"], []).append(target)
    for result in goal["kpis"]:
        value = amount(result["value"], result["unit"]) if result["state"] == "ok" else result["state"]
        lines.append(f"  {result['kpi']}  {value}")
        lines.extend(_target(target) for target in targets.get(result["kpi"], ()))
    return lines


def _target(target: dict[str, Any]) -> str:
    sign = "≥" if target["comparison"] == "at_least" else "≤"
    word, style = VERDICTS[target["verdict"]]
    cut = f" for {escape(target['cut'])}" if target["cut"] else ""
    return f"    {sign} {amount(target['threshold'], target['unit'])}{cut}: [{style}]{word}[/]"


def _loose(found: dict[str, Any]) -> list[str]:
    lines = []
    orphans = found["orphans"]
    if orphans["goals"]:
        lines.append(f"[yellow]goals that nothing measures:[/] {', '.join(orphans['goals'])}")
    if orphans["kpis"]:
        lines.append(f"[yellow]KPIs that serve no goal:[/] {', '.join(orphans['kpis'])}")
    if found["families"]["one_sided"]:
        missing = ", ".join(one.replace("_", " ") for one in found["families"]["missing"])
        lines.append(f"[yellow]the set of KPIs is one-sided, there is none of:[/] {missing}")
    return lines
