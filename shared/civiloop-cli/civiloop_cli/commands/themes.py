"""`civiloop themes`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
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

PeriodOption = Annotated[str, typer.Option("--period", help="live (the last 30 days), YYYY-MM, YYYY, or from/to.")]
_STATES = {"new": "bold red", "rising": "yellow", "steady": "dim"}


def themes(
    service: ServiceArgument,
    period: PeriodOption = "live",
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what people write about, what it costs, and examples in their own words: for the inside only."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/themes", period=period)
    if json:
        print_json(found)
    else:
        stdout().print(themes_shown(found))


def themes_shown(found: dict[str, Any]) -> RenderableType:
    """Return a table of themes, and the quotes of each below it."""
    spoken = ", ".join(f"{n} {language}" for language, n in found["languages"].items())
    head = Text(f"{found['comments']} comments" + (f" ({spoken})" if spoken else ""), style="dim")
    if not found["themes"]:
        return Group(head, Text("No theme in ten comments or more.", style="dim"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("theme", "comments", "share", "mean", "impact", ""):
        table.add_column(name, justify="left" if name in {"theme", ""} else "right")
    for one in found["themes"]:
        state = one["state"]
        table.add_row(*_cells(one), Text(state, style=_STATES.get(state, "")))
    quotes = [
        Text.assemble((f"{_title(one)}: ", "bold"), quote["text"]) for one in found["themes"] for quote in one["quotes"]
    ]
    warning = [Text("Quotes are not for publication.", style="dim")] if quotes else []
    return Group(head, table, *quotes, *warning)


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    mean = "" if one["mean"] is None else f"{one['mean']:.1f}"
    impact = "" if one["impact"] is None else f"{one['impact']:+.2f}"
    return _title(one), str(one["n"]), f"{100 * one['share']:.1f} %", mean, impact


def _title(one: dict[str, Any]) -> str:
    title: str = one["title"].get("en") or one["theme"]
    return title
