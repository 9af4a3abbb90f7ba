"""`civiloop webhooks`: who is told of evaluations and problems."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import fail, print_done, print_json, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Webhooks: who is told of evaluations and problems.")

WebhookArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the webhook: civiloop webhooks list")]
EventOption = Annotated[
    list[str],
    typer.Option("--event", "-e", help="evaluation.recorded, problem.opened or problem.closed; may be repeated."),
]
ServiceOption = Annotated[list[str] | None, typer.Option("--service", help="Only of these services.")]


@app.command("list")
def list_webhooks(
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the webhooks of your body: what waits, when a message arrived last, why one was stopped."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get("/v1/webhooks")["webhooks"]
    if json:
        print_json(found)
        return
    table = Table("id", "address", "events", "services", "waiting", "delivered", "state", box=None)
    for one in found:
        state = f"stopped: {one['disabled_because']}" if one["disabled_at"] else (one["last_error"] or "runs")
        services, delivered = ", ".join(one["services"] or ()) or "all", (one["delivered_at"] or "never")[:19]
        table.add_row(one["id"], one["url"], ", ".join(one["events"]), services, str(one["waiting"]), delivered, state)
    stdout().print(table)


@app.command("add")
def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where messages are posted to, https.")],
    event: EventOption,
    service: ServiceOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Subscribe an address. The secret that signs its messages is shown once."""
    wanted: dict[str, Any] = {"url": address, "events": event}
    if service:
        wanted["services"] = service
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        _show_made(engine.post("/v1/webhooks", wanted), as_json=json)


@app.command("remove")
def remove(
    webhook: WebhookArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Remove a webhook with everything that waits for it."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        engine.delete(f"/v1/webhooks/{webhook}")
    print_done({"removed": webhook}, f"{webhook} is removed", as_json=json)


@app.command("test")
def send_test(
    webhook: WebhookArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Send a signed message of the type webhook.test, once. Exit code 1 when it did not arrive."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        tested = engine.post(f"/v1/webhooks/{webhook}/test", None)
    if json:
        print_json(tested)
    elif tested["delivered"]:
        stdout().print(f"delivered: it answered {tested['status']}")
    else:
        fail(CommandError(f"not delivered: {tested['error']}"), as_json=False)
    raise typer.Exit(0 if tested["delivered"] else 1)


@app.command("deliveries")
def deliveries(
    webhook: WebhookArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show how the newest messages to a webhook stand."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/webhooks/{webhook}/deliveries")["deliveries"]
    if json:
        print_json(found)
        return
    table = Table("message", "event", "made", "attempts", "delivered", "next attempt", "error", box=None)
    for one in found:
        times = ((one[name] or "")[:19] for name in ("delivered_at", "next_attempt_at"))
        table.add_row(
            one["message"], one["event"], one["created_at"][:19], str(one["attempts"]), *times, one["error"] or ""
        )
    stdout().print(table)


@app.command("rotate")
def rotate(
    webhook: WebhookArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make a new secret, shown once. Messages are signed with the old one too for 24 hours."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        _show_made(engine.post(f"/v1/webhooks/{webhook}/rotate", None), as_json=json)


@app.command("enable")
def enable(
    webhook: WebhookArgument,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Take up again a webhook that was stopped; what waits for it is delivered."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        enabled = engine.post(f"/v1/webhooks/{webhook}/enable", None)
    print_done(enabled, f"{webhook} runs again", as_json=json)


def _show_made(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    stdout().print(f"{made['id']} is told of {', '.join(made['events'])}", soft_wrap=True)
    stdout().print(made["secret"], soft_wrap=True)
