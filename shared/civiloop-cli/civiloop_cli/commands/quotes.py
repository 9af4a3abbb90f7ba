"""`civiloop quotes`: which words of people are public, released and withdrawn by a person."""

from __future__ import annotations

from typing import Annotated, Any

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
from civiloop_cli.commands.themes import PeriodOption
from civiloop_cli.console import print_done, print_json, stdout
from civiloop_cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Quotes: which words of people are public, and who released them.")

QuoteArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the quote: civiloop themes SERVICE")]
ThemeOption = Annotated[str, typer.Option("--theme", help="The theme that it is an example of.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept, so repeat no words of the quote.")]


@app.command("list")
def list_quotes(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List public quotes; with a steward's key also who released or withdrew which, and why."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/quotes")["quotes"]
    if json:
        print_json(found)
        return
    table = Table("id", "theme", "quote", "state", "by", "why", box=None)
    for one in found:
        cells = (one.get("id", ""), one["theme"], one["text"] or "(gone with its answer)", *_state(one))
        table.add_row(*map(Text, cells))
    stdout().print(table)


@app.command("release")
def release(
    service: ServiceArgument,
    quote: QuoteArgument,
    theme: ThemeOption,
    reason: ReasonOption,
    period: PeriodOption = "live",
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Release a quote for publication. Your key, the time and the reason are kept."""
    order = {"theme": theme, "period": period, "reason": reason}
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        engine.post(f"/v1/services/{service}/quotes/{quote}/release", order)
    print_done({"released": quote}, f"{quote} is public", as_json=json)


@app.command("withdraw")
def withdraw(
    service: ServiceArgument,
    quote: QuoteArgument,
    reason: ReasonOption,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Take a quote back from publication. Your key, the time and the reason are kept."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        engine.post(f"/v1/services/{service}/quotes/{quote}/withdraw", {"reason": reason})
    print_done({"withdrawn": quote}, f"{quote} is public no more", as_json=json)


def _state(one: dict[str, Any]) -> tuple[str, str, str]:
    if one["public"]:
        return "public", _label(one.get("released_by")), one.get("reason") or ""
    return "withdrawn", _label(one["withdrawn_by"]), one["withdrawn_because"] or ""


def _label(key: dict[str, Any] | None) -> str:
    return (key["label"] or key["key"]) if key else ""
