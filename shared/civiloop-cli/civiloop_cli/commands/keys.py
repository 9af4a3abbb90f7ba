"""`civiloop keys`: API keys and what they may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import fail, print_done, print_json, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.recovery import recover_admin_key

app = typer.Typer(no_args_is_help=True, help="API keys and what they may do.")

ScopeOption = Annotated[
    list[str],
    typer.Option("--scope", "-s", help="feedback:write, telemetry:write, read, steward or admin; may be repeated."),
]


@app.command("create")
def create(
    scope: ScopeOption,
    label: Annotated[str, typer.Option("--label", help="Who uses it, and what for.")],
    service: Annotated[list[str] | None, typer.Option("--service", help="Only for these services.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="For a web page: it can only write.")] = False,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Expires after so many days.")] = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make a key. Its text is shown once and stored nowhere."""
    wanted: dict[str, Any] = {"scopes": scope, "label": label, "kind": "browser" if browser else "server"}
    if service:
        wanted["services"] = service
    if days is not None:
        wanted["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        made = engine.post("/v1/keys", wanted)
    if json:
        print_json(made)
        return
    stdout().print(made["key"], soft_wrap=True)


@app.command("list")
def list_keys(
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the keys of your body, without their secrets."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        keys = engine.get("/v1/keys")["keys"]
    if json:
        print_json(keys)
        return
    table = Table("id", "label", "scopes", "services", "created", "last used", "state", box=None, padding=(0, 1, 0, 0))
    for one in keys:
        state = "revoked" if one.get("revoked_at") else "live"
        scopes = ", ".join(one["scopes"]) + (" (browser)" if one["kind"] == "browser" else "")
        services = ", ".join(one.get("services") or ()) or "all"
        used = (one.get("last_used_at") or "never")[:10]
        table.add_row(one["id"], one["label"], scopes, services, one["created_at"][:10], used, state)
    stdout().print(table)


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, the part between the underscores.")],
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End a key: every service refuses it within two seconds."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        engine.delete(f"/v1/keys/{key_id}")
    print_done({"revoked": key_id}, f"{key_id} is revoked", as_json=json)


@app.command("recover")
def recover(json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Make a new admin key when the first one is lost. Needs the data directory of the platform."""
    try:
        text = recover_admin_key(DataDir.choose(data_dir))
    except CommandError as error:
        fail(error, as_json=json)
    if json:
        print_json({"key": text})
    else:
        stdout().print(text, soft_wrap=True)
