"""`civiloop targets`."""

from __future__ import annotations

from typing import Any

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
from civiloop_cli.scorecard import VERDICTS, amount, days_of


def targets(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show every target of a service with its verdict, its trend, and whether it is due for review."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/targets")
    if json:
        print_json(found)
        return
    table = Table(title=f"{service}  {days_of(found['period'])}", box=None, title_justify="left", padding=(0, 1, 0, 0))
    for name in ("Target", "Wanted", "Value", "Verdict", "Trend"):
        table.add_column(name, no_wrap=name != "Trend")
    for target in found["targets"]:
        table.add_row(*_row(target))
    stdout().print(table)


def _row(target: dict[str, Any]) -> tuple[str | Text, ...]:
    sign = "≥" if target["comparison"] == "at_least" else "≤"
    word, style = VERDICTS[target["verdict"]]
    notes = [target["trend"] or ""]
    if target["review_overdue"]:
        notes.append(f"Stale: its review was due by {target['review_by']}.")
    return (
        target["target"],
        f"{sign} {amount(target['threshold'], target['unit'])}",
        amount(target["result"]["value"], target["unit"]),
        Text(word, style=style),
        Text(" ".join(notes), style="bold red" if target["at_risk"] else "dim"),
    )
