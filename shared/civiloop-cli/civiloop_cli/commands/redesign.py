"""`civiloop redesign`: why a verdict is what it is, and what another benchmark would have said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
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
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption
from civiloop_cli.redesign import backtest_table, clause_table

app = typer.Typer(no_args_is_help=True, help="Redesign verdicts: explained, and replayed over the past.")

BenchmarkArgument = Annotated[str, typer.Argument(metavar="BENCHMARK", help="Id of the benchmark.")]
FromOption = Annotated[str, typer.Option("--from", help="First day, inclusive: YYYY-MM-DD.")]
ToOption = Annotated[str, typer.Option("--to", help="Last day, exclusive: YYYY-MM-DD.")]
WithOption = Annotated[
    Path | None, typer.Option("--with", help="YAML of a changed benchmark, tried in place of the one in force.")
]


@app.command("explain")
def explain(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show clause by clause what held against a service, and by how much."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/redesign")
    if json:
        print_json(found)
        return
    if not found["benchmarks"]:
        stdout().print("no redesign benchmark is in force for this service")
    for benchmark in found["benchmarks"]:
        stdout().print(clause_table(benchmark, found))


@app.command("backtest")
def backtest(
    service: ServiceArgument,
    benchmark: BenchmarkArgument,
    first: FromOption,
    last: ToOption,
    document: WithOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Replay the past of a service, and show in which periods a benchmark would have fired."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        asked: dict[str, Any] = {"benchmark": benchmark, "from": first, "to": last}
        if document is not None:
            asked["document"] = _text(document)
        played = engine.post(f"/v1/services/{service}/redesign/backtest", asked)
    if json:
        print_json(played)
        return
    stdout().print(backtest_table(played))
    for fired in played["fired"]:
        stdout().print(escape(fired["explanation"]), soft_wrap=True)
    if not played["fired"]:
        stdout().print("it would not have fired")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} can't be read: {error}") from error
