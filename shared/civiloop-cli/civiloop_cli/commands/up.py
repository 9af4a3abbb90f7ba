"""`civiloop up`: start the platform and keep it running."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from civiloop_cli import sample
from civiloop_cli.commands.detached import DETACHED_VARIABLE, leave_error, start_detached
from civiloop_cli.console import fail, print_json, stderr, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import DataDirOption, JsonOption, PortBaseOption
from civiloop_cli.platform import Platform
from civiloop_cli.progress import Progress, progress_on
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.ports import base_from
from civiloop_cli.runtime.state import running_platform
from civiloop_cli.runtime.supervisor import Supervisor


def up(
    data_dir: DataDirOption = None,
    port_base: PortBaseOption = None,
    no_sample: Annotated[bool, typer.Option("--no-sample", help="Do not load the sample on first start.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return as soon as all is ready.")] = False,
    json: JsonOption = False,
) -> None:
    """Start PostgreSQL, Kafka and the services, and keep them running until Ctrl-C."""
    chosen = DataDir.choose(data_dir)
    try:
        base = base_from(port_base, chosen.remembered_base())
        if platform := running_platform(chosen):
            stderr().print(f"Civiloop already runs on {chosen.root}.", soft_wrap=True)
            show_platform(platform, as_json=json)
        elif detach:
            show_platform(start_detached(chosen, base, no_sample=no_sample), as_json=json)
        else:
            _in_foreground(chosen, base, no_sample=no_sample, as_json=json)
    except CommandError as error:
        if os.environ.get(DETACHED_VARIABLE):
            leave_error(chosen, error)
        fail(error, as_json=json)


def _in_foreground(data_dir: DataDir, base: int, *, no_sample: bool, as_json: bool) -> None:
    with progress_on(stderr()) as progress:
        supervisor = Supervisor(
            data_dir,
            base,
            progress,
            load=partial(_load, data_dir=data_dir, progress=progress, wanted=not no_sample),
            announce=partial(_announce, as_json=as_json),
        )
        asyncio.run(supervisor.run())


async def _load(platform: Platform, *, data_dir: DataDir, progress: Progress, wanted: bool) -> None:
    """Load the sample once; a failure is told and does not stop the platform."""
    if not wanted or not platform.first_start:
        return
    try:
        await sample.load(platform, progress=progress)
    except Exception as error:  # the platform is ready, whatever is wrong with the sample
        progress.line(f"the sample could not be loaded: {_in_words(error)}", style="yellow")
        return
    data_dir.sample_loaded.touch()


async def _announce(platform: Platform, *, as_json: bool) -> None:
    if not as_json:
        await _show_scorecard(platform)
    if not os.environ.get(DETACHED_VARIABLE):
        show_platform(platform, as_json=as_json)


async def _show_scorecard(platform: Platform) -> None:
    """Show the sample services; without the sample there is nothing to show, and no fault here stops the platform."""
    if not (platform.data_dir / "sample-loaded").exists():
        return
    try:
        table = await sample.scorecard(platform)
    except Exception as error:  # the same
        stderr().print(
            f"the scorecard can't be shown: {_in_words(error)}", style="yellow", markup=False, soft_wrap=True
        )
        return
    if table:
        stdout().print(table)


def _in_words(error: Exception) -> str:
    return error.message if isinstance(error, CommandError) else f"{type(error).__name__}: {error}"


def show_platform(platform: Platform, *, as_json: bool) -> None:
    """The addresses and the key to go on with."""
    if as_json:
        print_json({"ready": True, **platform.as_json()})
        return
    console = stdout()
    console.print(_addresses(platform))
    console.print(f"First admin key: [bold]{platform.admin_key}[/]", soft_wrap=True)
    _footer(console, platform)


def _addresses(platform: Platform) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, address in (
        ("feedback-api", platform.feedback_url),
        ("metrics-collector", platform.collector_url),
        ("evaluation-engine", platform.engine_url),
        ("reporting", platform.reporting_url),
        ("Kafka", platform.bootstrap_servers),
    ):
        table.add_row(name, address)
    return table


def _footer(console: Console, platform: Platform) -> None:
    console.print(f"Data, logs and secrets: {platform.data_dir}", soft_wrap=True)
    console.print("Stop with Ctrl-C here, or `civiloop down`; `civiloop status` shows every part.")
