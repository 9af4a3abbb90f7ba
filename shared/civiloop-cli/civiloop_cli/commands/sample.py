"""`civiloop sample` and `civiloop demo`: data that is made up."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from civiloop_cli import sample as made_up
from civiloop_cli.commands.connection import DataDirOption, KeyOption
from civiloop_cli.console import fail, print_json, stderr, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.imports.target import COLLECTOR, FEEDBACK_API, find_target
from civiloop_cli.options import JsonOption
from civiloop_cli.progress import progress_on
from civiloop_cli.runtime.data_dir import DataDir
from civiloop_cli.runtime.state import running_platform
from civiloop_cli.sample.demo import FAILING, Told, run

app = typer.Typer(no_args_is_help=True, help="The sample services and their made-up data.")


@app.command("refresh")
def refresh(json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Bring the sample up to now: what has happened since it was loaded is added."""
    platform = running_platform(DataDir.choose(data_dir))
    try:
        if platform is None:
            raise CommandError("no platform runs here", hints=("start one: civiloop up",))
        with progress_on(stderr()) as progress:
            asyncio.run(made_up.load(platform, progress=progress))
    except CommandError as error:
        fail(error, as_json=json)
    DataDir.choose(data_dir).sample_loaded.touch()
    if json:
        print_json({"refreshed": True})


def demo(
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=200, help="Journeys a second, over all services.")] = 8,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="Stop after so long.")] = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Stream made-up live events of the sample services until Ctrl-C; payments of one begin to fail."""
    try:
        collector = find_target(COLLECTOR, url=None, key=key, data_dir=data_dir)
        feedback = find_target(FEEDBACK_API, url=None, key=key, data_dir=data_dir)
        stdout().print(f"Made-up events. From half a minute on, payments of {FAILING} fail more and more.")
        run((feedback.url, feedback.key), (collector.url, collector.key), rate=rate, seconds=seconds, show=_show)
    except CommandError as error:
        fail(error, as_json=False)
    except KeyboardInterrupt:
        stdout().print("stopped")


def _show(elapsed_s: float, told: Told) -> None:
    stdout().print(
        f"{elapsed_s:6.0f} s  {told.journeys:3} journeys  {told.events:4} events  {told.answers:3} answers",
        soft_wrap=True,
    )
