"""`civiloop kpi`: which KPIs there are, and what a service must send for those in use."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

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

app = typer.Typer(no_args_is_help=True, help="KPIs: what there is, what they need, what arrives.")

_STYLES = {
    "arrives": "green",
    "measured": "green",
    "silent": "yellow",
    "partly": "yellow",
    "never": "red",
    "not_measured": "red",
}


@app.command("list")
def list_kpis(
    pack: Annotated[str | None, typer.Option("--pack", help="Only those of a pack: govuk, jdma, a11, gc …")] = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List every KPI that a service can use, those of the body's own too."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get("/v1/kpis", pack=pack)
    if json:
        print_json(found)
        return
    table = Table("KPI", "pack", "version", "unit", "formula")
    for one in found["kpis"]:
        table.add_row(one["id"], one["pack"], str(one["version"]), escape(one["unit"]), escape(one["formula"]))
    stdout().print(table)


@app.command("needs")
def needs(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show for each KPI in use the events and fields that it needs, whether they arrive, and since when."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/needs")
    if json:
        print_json(found)
        return
    table = Table("KPI", "can be computed", "needs", "state", "since", "last")
    for kpi in found["kpis"]:
        for number, need in enumerate(kpi["needs"]):
            table.add_row(*(_head(kpi) if number == 0 else ("", "")), *_need(need), end_section=_last(kpi, number))
    stdout().print(table)


def _head(kpi: dict[str, Any]) -> tuple[str, str]:
    since = f", from {kpi['computable_from']}" if kpi["computable_from"] else ""
    return kpi["kpi"], f"[{_STYLES[kpi['state']]}]{kpi['state'].replace('_', ' ')}[/]{since}"


def _need(need: dict[str, Any]) -> tuple[str, str, str, str]:
    state = f"[{_STYLES[need['state']]}]{need['state']}[/]"
    return escape(need["fields"]), state, need["since"] or "", need["last"] or ""


def _last(kpi: dict[str, Any], number: int) -> bool:
    return number == len(kpi["needs"]) - 1
