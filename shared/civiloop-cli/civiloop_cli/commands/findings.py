"""`civiloop findings`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
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

_TONES = {"problem": "bold red", "improvement": "green", "notice": "yellow"}
StatusOption = Annotated[
    str, typer.Option("--status", help="open (in the newest evaluation), new, recurring, past, or all.")
]
KindOption = Annotated[str | None, typer.Option("--kind", help="Only this kind, such as hot_step or segment_gap.")]


def findings(
    service: ServiceArgument,
    status: StatusOption = "open",
    kind: KindOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what a service's evaluations found: causes, recurring patterns, opportunities, the weightiest first."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/findings", status=status, kind=kind)
    if json:
        print_json(found)
    else:
        stdout().print(findings_list(found["findings"]))


def findings_list(found: list[dict[str, Any]]) -> RenderableType:
    """Return each finding as its sentence, with its kind, how often it came and how sure it is."""
    if not found:
        return Text("No findings.", style="dim")
    return Group(*(part for one in found for part in _shown(one)))


def _shown(one: dict[str, Any]) -> tuple[RenderableType, RenderableType]:
    told = {"new": "new", "recurring": f"in {one['times']} of {one['of_evaluations']} evaluations"}
    said = told.get(one["status"], f"past, last seen {one['last_end'][:10]}")
    sure = "" if one["q_value"] is None else f", q = {one['q_value']:.2g}"
    head = Text.assemble((one["kind"].replace("_", " "), _TONES[one["tone"]]), (f"  {said}{sure}", "dim"))
    return head, Padding(Text(one["statement"]), (0, 0, 1, 2))
