"""`civiloop problems`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

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

AllOption = Annotated[bool, typer.Option("--all", help="Closed ones too.")]


def problems(
    service: ServiceArgument,
    everything: AllOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the problems that monitoring found, and the burn rates that are watched."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/problems", state="all" if everything else "open")
    if json:
        print_json(found)
        return
    console = stdout()
    if not found["problems"]:
        console.print("no problem" if everything else "no open problem")
    for problem in found["problems"]:
        until = f" to {problem['closed_at']}" if problem["closed_at"] else ", still open"
        line = f"{problem['severity']} {problem['subject']}, from {problem['opened_at']}{until}"
        console.print(Text(line, style="dim" if problem["closed_at"] else "bold red"), soft_wrap=True)
        console.print(Text(f"  {problem['opened'].get('explanation', '')}"), soft_wrap=True)
    if found["watching"]:
        table = Table(box=None, padding=(0, 1, 0, 0))
        for name in ("Watched", "State", "Long", "Short", "Factor"):
            table.add_column(name, justify="left" if name in {"Watched", "State"} else "right")
        for one in found["watching"]:
            rates = ("–" if one[name] is None else f"{one[name]:.2f}" for name in ("burn_long", "burn_short"))
            table.add_row(one["subject"], one["status"].replace("_", " "), *rates, f"{one['factor']:g}")
        console.print(table)
