"""`civiloop import`: bring in a CSV of journeys or of feedback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from civiloop_cli.commands.connection import DataDirOption, KeyOption, UrlOption
from civiloop_cli.console import fail, print_json, stderr, stdout
from civiloop_cli.errors import CommandError
from civiloop_cli.imports.convert import Converter
from civiloop_cli.imports.errors import InputFileError
from civiloop_cli.imports.mapping_file import Kind, read_mapping, require_columns
from civiloop_cli.imports.rejects import RejectedRows
from civiloop_cli.imports.rows import open_rows
from civiloop_cli.imports.run import Import, ImportReport
from civiloop_cli.imports.target import COLLECTOR, FEEDBACK_API, Target, find_target
from civiloop_cli.imports.upload import FEEDBACK, JOURNEYS, Uploader
from civiloop_cli.options import JsonOption
from civiloop_cli.progress import progress_on

app = typer.Typer(no_args_is_help=True, help="Bring in journeys or feedback from a CSV, told by a mapping.")

_REQUEST_TIMEOUT_S = 30.0
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV. Its first row names the columns.")]
MappingOption = Annotated[Path, typer.Option("--mapping", "-m", metavar="MAP", help="YAML: which column is what.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")]
RejectedOption = Annotated[
    Path | None,
    typer.Option("--rejected", metavar="OUT.csv", help="Where rejected rows go. [default: FILE.rejected.csv]"),
]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported, and how."""

    kind: Kind
    file: Path
    mapping: Path
    dry_run: bool = False
    rejected: Path | None = None
    patience_s: float = 300.0


@app.command("journeys")
def import_journeys(
    file: FileArgument,
    mapping: MappingOption,
    dry_run: DryRunOption = False,
    rejected: RejectedOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring in journeys. The same file twice changes nothing; rows that are refused are written to a CSV to mend."""
    order = Order("journeys", file, mapping, dry_run, rejected)
    _run(order, lambda: find_target(COLLECTOR, url=url, key=key, data_dir=data_dir), as_json=json)


@app.command("feedback")
def import_feedback(
    file: FileArgument,
    mapping: MappingOption,
    dry_run: DryRunOption = False,
    rejected: RejectedOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring in feedback. The same file twice changes nothing; rows that are refused are written to a CSV to mend."""
    order = Order("feedback", file, mapping, dry_run, rejected)
    _run(order, lambda: find_target(FEEDBACK_API, url=url, key=key, data_dir=data_dir), as_json=json)


def _run(order: Order, target: Callable[[], Target], *, as_json: bool) -> None:
    """Import and print the report; exit with 1 when something failed or rows were rejected."""
    try:
        report = run_import(order, target())
    except CommandError as error:
        fail(error, as_json=as_json)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report.rejected_rows:
        raise typer.Exit(1)


def run_import(order: Order, target: Target) -> ImportReport:
    """Import one file and return the report; progress goes to stderr.

    Raises:
        ImportFailedError: the file, the mapping or the platform stands in the way.
    """
    mapping = read_mapping(order.mapping, order.kind)
    out = order.rejected or order.file.with_name(f"{order.file.name}.rejected.csv")
    if out.resolve() == order.file.resolve():
        raise InputFileError("the rejected rows would overwrite the file itself", hints=("give another --rejected",))
    progress = progress_on(stderr())
    with (
        open_rows(order.file, mapping.file) as rows,
        _client(target) as client,
        progress,
        progress.step(f"{'checking' if order.dry_run else 'importing'} {order.file.name}") as step,
    ):
        require_columns(mapping, rows.header, order.file)
        until = mapping.observed_until
        uploader = Uploader(
            client=client,
            endpoint=JOURNEYS if order.kind == "journeys" else FEEDBACK,
            observed_until=None if until is None else until.isoformat(),
            dry_run=order.dry_run,
            patience_s=order.patience_s,
            waiting=step.note,
        )
        bad, size = RejectedRows(out, rows.header), order.file.stat().st_size
        try:
            task = Import(Converter(mapping), uploader, bad, progressed=lambda read: step.advance(read, size))
            return task.run(rows)
        finally:
            bad.close()


def _client(target: Target) -> httpx.Client:
    # A proxy of the environment is for the world outside, not for a platform on this machine.
    local = httpx.URL(target.url).host in _LOCAL
    headers = {"authorization": f"Bearer {target.key}", "user-agent": "civiloop-import"}
    return httpx.Client(base_url=target.url, headers=headers, timeout=_REQUEST_TIMEOUT_S, trust_env=not local)


def _print(report: ImportReport) -> None:
    console = stdout()
    verb = "would be taken" if report.dry_run else "taken"
    console.print(f"{report.taken_rows} of {report.rows} rows {verb}, {report.items} items")
    if not report.rejected_rows:
        return
    console.print(f"[yellow]{report.rejected_rows} rows rejected:[/]")
    for fault in report.rejected:
        console.print(f"  row {fault.row}  {fault.field}  {fault.reason}", markup=False, soft_wrap=True)
    if len(report.rejected) < report.rejected_rows:
        console.print("  …")
    console.print(f"All of them are in {report.rejected_file}: mend it and import it.", markup=False, soft_wrap=True)
