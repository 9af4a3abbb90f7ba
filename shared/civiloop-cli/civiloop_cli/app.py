"""The command `civiloop`: every noun has a module in `civiloop_cli.commands`, registered here."""

from __future__ import annotations

import typer

from civiloop_cli.commands import (
    catalogue,
    dlq,
    doctor,
    down,
    findings,
    goals,
    health,
    imports,
    keys,
    kpi,
    partitions,
    problems,
    quality,
    quotes,
    rebuild,
    redesign,
    sample,
    scorecard,
    status,
    targets,
    themes,
    up,
    verify,
    webhooks,
)

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
app.command("scorecard")(scorecard.scorecard)
app.command("evaluate")(scorecard.evaluate)
app.command("goals")(goals.goals)
app.command("health")(health.health)
app.command("targets")(targets.targets)
app.command("findings")(findings.findings)
app.command("themes")(themes.themes)
app.command("problems")(problems.problems)
app.command("quality")(quality.quality)
app.command("verify")(verify.verify)
app.command("rebuild")(rebuild.rebuild)
app.command("demo")(sample.demo)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(keys.app, name="keys")
app.add_typer(kpi.app, name="kpi")
app.add_typer(imports.app, name="import")
app.add_typer(dlq.app, name="dlq")
app.add_typer(partitions.app, name="partitions")
app.add_typer(quotes.app, name="quotes")
app.add_typer(redesign.app, name="redesign")
app.add_typer(sample.app, name="sample")
app.add_typer(webhooks.app, name="webhooks")
