"""`civiloop import`: bring in a CSV of journeys or of feedback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from civiloop_cli.imports.convert import Converter
from civiloop_cli.imports.errors import InputFileError
from civiloop_cli.imports.mapping import Mapping
from civiloop_cli.imports.mapping_file import Kind, read_mapping, require_columns
from civiloop_cli.imports.rejects import RejectedRows
from civiloop_cli.imports.rows import open_rows
from civiloop_cli.imports.run import Import, ImportReport
from civiloop_cli.imports.target import COLLECTOR, FEEDBACK_API, Target, find_target
from civiloop_cli.imports.upload import FEEDBACK, JOURNEYS, Uploader
from civiloop_cli.progress import progress_on

app = typer.Typer(no_args_is_help=True, help="Bring in journeys or feedback from a CSV, told by a mapping.")

_REQUEST_TIMEOUT_S = 30.0

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV. Its first row names the columns.")]
MappingOption = Annotated[
    Path, typer.Option("--mapping", "-m", metavar="MAP.yaml", help="Which column is which field.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]
RejectedOption = Annotated[
    Path | None,
    typer.Option("--rejected", metavar="OUT.csv", help="Where rejected rows go. [default: FILE.rejected.csv]"),
]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of the service. [default: the platform here]")]
KeyOption = Annotated[str | None, typer.Option("--key", help="API key; better in CIVILOOP_KEY.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Data directory of the platform to use.")]


@app.command("journeys")
def import_journeys(
    file: FileArgument,
    mapping: MappingOption,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    rejected: RejectedOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring in journeys. The same file twice changes nothing; rows that are refused are written to a CSV to mend."""
    known = read_mapping(mapping, "journeys")
    target = find_target(COLLECTOR, url=url, key=key, data_dir=data_dir)
    report = run_import("journeys", file, known, target, dry_run=dry_run, rejected=rejected)
    _show(report, as_json=as_json)


@app.command("feedback")
def import_feedback(
    file: FileArgument,
    mapping: MappingOption,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    rejected: RejectedOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring in feedback. The same file twice changes nothing; rows that are refused are written to a CSV to mend."""
    known = read_mapping(mapping, "feedback")
    target = find_target(FEEDBACK_API, url=url, key=key, data_dir=data_dir)
    report = run_import("feedback", file, known, target, dry_run=dry_run, rejected=rejected)
    _show(report, as_json=as_json)


def run_import(
    kind: Kind,
    file: Path,
    mapping: Mapping,
    target: Target,
    *,
    dry_run: bool = False,
    rejected: Path | None = None,
    patience_s: float = 300.0,
) -> ImportReport:
    """Import one file and return the report; progress goes to stderr.

    Raises:
        ImportFailedError: the file, the mapping or the platform stands in the way.
    """
    until = None if mapping.observed_until is None else mapping.observed_until.isoformat()
    out = rejected or file.with_name(f"{file.name}.rejected.csv")
    if out.resolve() == file.resolve():
        raise InputFileError("the rejected rows would overwrite the file itself", hints=("give another --rejected",))
    headers = {"authorization": f"Bearer {target.key}", "user-agent": "civiloop-import"}
    progress = progress_on(Console(stderr=True))
    with (
        open_rows(file, mapping.file) as rows,
        httpx.Client(base_url=target.url, headers=headers, timeout=_REQUEST_TIMEOUT_S) as client,
        progress,
        progress.step(f"{'checking' if dry_run else 'importing'} {file.name}") as step,
    ):
        require_columns(mapping, rows.header, file)
        uploader = Uploader(
            client=client,
            endpoint=JOURNEYS if kind == "journeys" else FEEDBACK,
            observed_until=until,
            dry_run=dry_run,
            patience_s=patience_s,
            waiting=step.note,
        )
        bad = RejectedRows(out, rows.header)
        size = file.stat().st_size
        try:
            task = Import(Converter(mapping), uploader, bad, progressed=lambda read: step.advance(read, size))
            return task.run(rows)
        finally:
            bad.close()


def _show(report: ImportReport, *, as_json: bool) -> None:
    """Print the report; exit with 1 when rows were rejected."""
    if as_json:
        import orjson

        sys.stdout.write(orjson.dumps(report.as_json()).decode() + "\n")
    else:
        _print(report, Console())
    if report.rejected_rows:
        raise typer.Exit(1)


def _print(report: ImportReport, console: Console) -> None:
    verb = "would be taken" if report.dry_run else "taken"
    console.print(
        f"{report.taken_rows} of {report.rows} rows {verb}, {report.items} items ({report.repeated} told of again)",
        highlight=False,
    )
    if not report.rejected_rows:
        return
    console.print(f"{report.rejected_rows} rows rejected:", style="yellow", highlight=False)
    for fault in report.rejected:
        console.print(f"  row {fault.row}  {fault.field}  {fault.reason}", markup=False, highlight=False)
    if len(report.rejected) < report.rejected_rows:
        console.print("  …")
    console.print(f"All of them are in {report.rejected_file}: mend it and import it.", markup=False, highlight=False)
