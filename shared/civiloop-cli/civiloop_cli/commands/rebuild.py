"""`civiloop rebuild`: compute aggregates anew from the facts."""

from __future__ import annotations

from typing import Annotated

import typer

from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption


def rebuild(
    service: Annotated[str, typer.Option("--service", help="Id of the service.")],
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD, in the zone of the service.")],
    until: Annotated[str, typer.Option("--to", help="The day after the last one.")],
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compute the aggregates of a service anew from the facts; whole months are done. 0 changed is what one expects."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        done = engine.post("/v1/rebuild", {"service": service, "from": since, "to": until})
    if json:
        print_json(done)
        return
    stdout().print(f"{done['from']} to {done['to']}: {done['cells']:,} cells computed, {done['changed']:,} changed")
