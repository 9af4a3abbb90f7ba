"""`civiloop dlq`: messages that could not be counted, with the reason."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import fail, print_json, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Messages that could not be counted: list them, replay them.")

TopicOption = Annotated[str | None, typer.Option("--topic", help="Only of this topic.")]


@app.command("list")
def list_dead_letters(
    topic: TopicOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 100,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List dead letters with reason and place."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        page = engine.get("/v1/dead-letters", topic=topic, limit=limit)
    if json:
        print_json(page)
        return
    table = Table("id", "topic", "partition", "offset", "reason", "detail", "at", "replayed")
    for one in page["items"]:
        place = (str(one["id"]), one["topic"], str(one["partition"]), str(one["offset"]))
        table.add_row(*place, one["reason"], one["detail"], one["at"][:19], (one.get("replayed_at") or "")[:19])
    stdout().print(table)


@app.command("replay")
def replay(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Ids of dead letters.")] = None,
    topic: TopicOption = None,
    every: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Put dead letters back on their topic, for when what was wrong has been mended."""
    if not ids and not every:
        fail(CommandError("name ids, or give --all"), as_json=json)
    wanted: dict[str, Any] = {"ids": ids or None}
    if topic is not None:
        wanted["topic"] = topic
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        answer = engine.post("/v1/dead-letters/replay", wanted)
    if json:
        print_json(answer)
    else:
        stdout().print(f"{answer['replayed']} replayed")
