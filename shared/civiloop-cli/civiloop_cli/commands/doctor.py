"""`civiloop doctor`: what stands in the way of a start."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape

from civiloop_cli.console import fail, print_json, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import DataDirOption, JsonOption, PortBaseOption
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.doctor import Finding, Subject, blockers, examine
from civiloop_cli.runtime.ports import base_from
from civiloop_cli.runtime.startup import External

MARKS = {"ok": "[green]✓[/]", "note": "[blue]·[/]", "warning": "[yellow]![/]", "blocker": "[red]✗[/]"}


def doctor(data_dir: DataDirOption = None, port_base: PortBaseOption = None, json: JsonOption = False) -> None:
    """Look for what stands in the way: Python, system, proxy, disk, data, ports. Exit code 1 on a blocker."""
    chosen = DataDir.choose(data_dir)
    external = External.from_environment()
    try:
        subject = Subject(
            chosen,
            base_from(port_base, chosen.remembered_base()),
            tuple(external.needed_ports()),
            embedded_kafka=not external.bootstrap_servers,
            embedded_postgres=not external.database_url,
        )
        findings = examine(subject)
    except CommandError as error:
        fail(error, as_json=json)
    stops = blockers(findings)
    if json:
        print_json({"ok": not stops, "findings": [finding.as_json() for finding in findings]})
    else:
        _show(stdout(), findings)
    raise typer.Exit(1 if stops else 0)


def _show(console: Console, findings: list[Finding]) -> None:
    for finding in findings:
        console.print(f"{MARKS[finding.level]} {finding.check}: {escape(finding.message)}", soft_wrap=True)
        if finding.hint:
            console.print(f"    → {escape(finding.hint)}", soft_wrap=True)
