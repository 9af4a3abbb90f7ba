"""`civiloop health`."""

from __future__ import annotations

from collections.abc import Iterator
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
from civiloop_cli.scorecard import days_of

_ANSWERS = {
    "yes": ("yes", "green"),
    "partly": ("partly", "yellow"),
    "no": ("no", "bold red"),
    "not_evidenced": ("not evidenced", "dim"),
}


def health(
    service: ServiceArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the health card of a service: what is measured, the seven aims, and the step its improvement stands at."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/health")
    if json:
        print_json(found)
        return
    console = stdout()
    for line in card_lines(found):
        console.print(line, soft_wrap=True)


def card_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a health card, with markup."""
    evaluated = found["evaluation"]
    about = f"{days_of(evaluated['period'])}, evaluation {evaluated['number']}" if evaluated else "never evaluated"
    yield f"{found['service']}  {about}"
    yield "[bold]What is measured[/]"
    for row in found["flavours"]:
        yield f"  {_flavour(row)}"
    yield "[bold]Aims[/]"
    for aim in found["aims"]:
        yield f"  {_answered(aim)}"
    yield "[bold]Improvement process[/]"
    for number, step in enumerate(found["steps"], 1):
        here = "  ← stands here" if step["step"] == found["stands_at"] else ""
        yield f"  {number} {_answered(step)}{here}"


def _flavour(row: dict[str, Any]) -> str:
    name = row["family"].replace("_", " ") + (f" ({row['it_kind']})" if row["it_kind"] else "")
    if not row["kpis"]:
        return f"{name}: [yellow]no KPI[/]"
    aspects = ", ".join(f"{found['kpis']} {aspect}" for aspect, found in row["aspects"].items() if found["kpis"])
    counts = row["targets"]
    of = sum(counts.values())
    targets = f"; {counts['met']} of {of} targets met, {counts['missed']} missed" if of else "; no target"
    return f"{name}: {row['with_value']} of {row['kpis']} KPIs have a value ({aspects}){targets}"


def _answered(one: dict[str, Any]) -> str:
    word, style = _ANSWERS[one["answer"]]
    return f"{escape(one['question'])}  [{style}]{word}[/]: {escape(one['because'])}"
