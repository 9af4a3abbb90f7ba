"""`civiloop scorecard` and `civiloop evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from civiloop_cli.commands.connection import (
    ENGINE,
    REPORTING,
    Connection,
    DataDirOption,
    KeyOption,
    ServiceArgument,
    UrlOption,
)
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption
from civiloop_cli.scorecard import scorecard_table

PeriodOption = Annotated[str, typer.Option("--period", help="live, YYYY-MM, YYYY, or from/to as two instants.")]


def scorecard(
    service: ServiceArgument,
    period: PeriodOption = "live",
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show all KPIs of a service with interval, sample, target and status."""
    with Connection(url, key, data_dir).to(REPORTING, as_json=json) as reporting:
        card = reporting.get(f"/v1/services/{service}/scorecard", period=period)
    if json:
        print_json(card)
    else:
        stdout().print(scorecard_table(card))


def evaluate(
    service: ServiceArgument,
    period: Annotated[
        str | None, typer.Option("--period", help="A period, YYYY-MM for a month. [default: the current one so far]")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Count only what happened before this day (or instant at midnight).")
    ] = None,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Evaluate a period of a service now and store the result; a changed result becomes a new revision.

    With --as-of the evaluation looks from that day, with what is known today; within a period it is shown, not stored.
    """
    wanted = {"period": period} if as_of is None else {"period": period, "as_of": as_of}
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        record = engine.post(f"/v1/services/{service}/evaluations", wanted)
    if json:
        print_json(record)
        return
    if record["stored_at"] is None:
        stdout().print(f"as of {record['period']['end']}, not stored")
    else:
        stdout().print(f"evaluation {record['number']}, revision {record['revision']}")
    stdout().print(scorecard_table(record))
