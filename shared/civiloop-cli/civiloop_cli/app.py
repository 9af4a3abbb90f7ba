"""The command `civiloop`: every noun has a module in `civiloop_cli.commands`, registered here."""

from __future__ import annotations

import typer

from civiloop_cli.commands import doctor, down, status, up

app = typer.Typer(
    name="civiloop",
    help="Collect feedback on public services, evaluate them, prove what helped.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up")(up.up)
app.command("down")(down.down)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
