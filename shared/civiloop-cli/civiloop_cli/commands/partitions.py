"""`civiloop partitions`: partitions that stand still, and the decision that they go on."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import fail, print_json, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Partitions that stand still: list them, let them go on.")


@app.command("list")
def list_stopped(
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the partitions that stand still with the reason, and the newest decisions that some go on."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get("/v1/partitions/stopped")
    if json:
        print_json(found)
        return
    if not found["stopped"]:
        stdout().print("no partition stands still")
    else:
        stdout().print(_table(found["stopped"]))
    for one in found["releases"]:
        done = one["released_at"]
        went = f"went on at offset {one['new_next_offset']} on {done[:19]}" if done else "waits for a worker"
        place = f"{one['topic']}/{one['partition']}, which stood at {one['old_next_offset']}"
        stdout().print(f"{place}: ordered by key {one['asked_by']}, {went}", soft_wrap=True, markup=False)


@app.command("release")
def release(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Name of the topic, such as telemetry.journeys.")],
    partition: Annotated[int | None, typer.Argument(metavar="[PARTITION]", min=0, help="Number of it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All partitions of the topic that stand still.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which would go on.")] = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let stopped partitions go on at the first record that their topic has.

    Nothing counts twice: records that were counted are known by their ids. What the topic lost stays missing.
    """
    if (partition is None) != every:
        fail(CommandError("name a partition, or give --all"), as_json=json)
    wanted: dict[str, Any] = {"topic": topic, "partition": partition, "dry_run": dry_run}
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        answer = engine.post("/v1/partitions/release", wanted)
    if json:
        print_json(answer)
        return
    if not answer["partitions"]:
        stdout().print("nothing of that stands still without an order")
        return
    stdout().print(_table(answer["partitions"]))
    stdout().print("would go on" if dry_run else "go on as soon as a worker has claimed them: civiloop partitions list")


def _table(stopped: list[dict[str, Any]]) -> Table:
    table = Table("topic", "partition", "next offset", "last record", "reason", "release ordered", box=None)
    for one in stopped:
        last, asked = (one["last_record_at"] or "")[:19], (one["release_asked_at"] or "")[:19]
        table.add_row(one["topic"], str(one["partition"]), str(one["next_offset"]), last, one["reason"], asked)
    return table
