"""`civiloop catalogue`: services, goals, targets and benchmarks as files."""

from __future__ import annotations

from functools import partial
from json import dumps as json_dumps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from civiloop_cli.api import RefusedError
from civiloop_cli.commands.connection import ENGINE, Connection, DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import print_json, stderr, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Services, goals, targets and redesign benchmarks as YAML files.")

PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATH...", help="YAML files, or folders of them.")]
_dumps = partial(json_dumps, ensure_ascii=False)
KeepMissingOption = Annotated[
    bool, typer.Option("--keep-missing", help="Leave what the files do not name as it is, instead of retiring it.")
]
_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red"), "retired": ("-", "red")}


@app.command("diff")
def diff(
    paths: PathsArgument,
    keep_missing: KeepMissingOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what applying the files would change. Exit code 1 with faults; nothing is written."""
    _send("plan", paths, Connection(url, key, data_dir), keep_missing=keep_missing, as_json=json)


@app.command("apply")
def apply(
    paths: PathsArgument,
    keep_missing: KeepMissingOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make the files the catalogue in force, all or nothing; unchanged files make no new version."""
    _send("apply", paths, Connection(url, key, data_dir), keep_missing=keep_missing, as_json=json)


@app.command("show")
def show(
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the catalogue in force."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        catalogue = engine.get("/v1/catalogue")
    if json:
        print_json(catalogue)
        return
    stdout().print_json(data=catalogue)


def read_files(paths: list[Path]) -> list[dict[str, str]]:
    """Return the files as the engine takes them. Raises ``CommandError`` when there are none or one can't be read."""
    found: list[Path] = []
    for path in paths:
        found += sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
    if not found:
        raise CommandError("there are no YAML files at these paths")
    try:
        return [{"path": str(path), "text": path.read_text(encoding="utf-8")} for path in found]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"a file can't be read: {error}") from error


def _send(action: str, paths: list[Path], connection: Connection, *, keep_missing: bool, as_json: bool) -> None:
    with connection.to(ENGINE, as_json=as_json) as engine:
        try:
            answer = engine.post(f"/v1/catalogue/{action}", {"files": read_files(paths), "keep_missing": keep_missing})
        except RefusedError as error:
            if not error.faults:
                raise
            _show_faults(error, as_json=as_json)
            raise typer.Exit(1) from None
    if as_json:
        print_json(answer)
    else:
        _show_changes(answer)


def _show_faults(error: RefusedError, *, as_json: bool) -> None:
    if as_json:
        print_json(error.problem)
        return
    console = stderr()
    console.print(f"[bold red]{len(error.faults)} faults, nothing was applied:[/]")
    for field, reason in error.faults:
        console.print(f"  {escape(field)}  {escape(reason)}", soft_wrap=True)


def _show_changes(answer: dict[str, Any]) -> None:
    console = stdout()
    for warning in answer.get("warnings", ()):
        where = f"{warning['file']}:{warning['line']}: {warning['field']}"
        console.print(f"[yellow]note[/]  {escape(where)}  {escape(warning['reason'])}", soft_wrap=True)
    changes = answer.get("changes", [])
    for change in changes:
        sign, style = _SIGNS.get(str(change.get("change")), ("·", "dim"))
        console.print(
            f"[{style}]{sign}[/] {change.get('kind')}/{change.get('id')} {change.get('change')}", soft_wrap=True
        )
        for field in change.get("fields", ()):
            was_is = f"{_dumps(field['before'])} → {_dumps(field['after'])}"
            console.print(f"    {escape(field['field'])}: {escape(was_is)}", soft_wrap=True)
    for kpi in answer.get("kpis", ()):
        since = kpi["computable_from"]
        known = f"can be computed from {since} on" if since else "can't be computed yet: something it needs never came"
        console.print(f"  {kpi['kpi']} in {kpi['service']} {known}", soft_wrap=True)
    version = answer.get("version")
    console.print(f"{len(changes)} changes" + (f", version {version} is in force" if version else ""))
