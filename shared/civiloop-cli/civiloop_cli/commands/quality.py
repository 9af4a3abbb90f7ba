"""`civiloop quality`."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from civiloop_cli.commands.connection import (
    ENGINE,
    Connection,
    DataDirOption,
    KeyOption,
    ServiceArgument,
    UrlOption,
)
from civiloop_cli.commands.scorecard import PeriodOption
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption

_STATES = {"fault": "bold red", "warning": "yellow", "unknown": "dim", "ok": "green"}
"""Worst first."""
_KINDS = {"end_before_start": "end before start", "before_start": "before start", "after_end": "after end"}
_SHARES = ("cut", "user_share", "answer_share")


def quality(
    service: ServiceArgument,
    period: PeriodOption = "live",
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what can't be trusted in the numbers of a service, and whom its answers speak for."""
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/quality", period=period)
    if json:
        print_json(found)
    else:
        stdout().print(quality_report(found))


def quality_report(found: dict[str, Any]) -> RenderableType:
    """Return the checks, worst first, what is out of order, the response rate, and groups that answer unlike others."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    for one in sorted(found["checks"], key=lambda one: list(_STATES).index(one["state"])):
        table.add_row(Text(one["state"], style=_STATES[one["state"]]), one["statement"])
    parts = (*_out_of_order(found["out_of_order"]), _response(found["response"]), *_differing(found["respondents"]))
    return Group(table, *parts)


def _out_of_order(found: list[dict[str, Any]]) -> list[Text]:
    return [
        Text("  {}: {:,} journeys at {}".format(_KINDS[one["kind"]], one["journeys"], one["step"] or "no step"))
        for one in found
    ]


def _response(response: dict[str, Any]) -> Text:
    if response["rate"] is None:
        return Text("Response rate: nobody completed a journey.")
    counts = f"{response['answers']:,} answers of {response['users']:,} users"
    return Text(f"Response rate: {100 * response['rate']:.1f} % ({counts}).")


def _differing(respondents: list[dict[str, Any]]) -> list[Text]:
    return [
        Text("  {}: {:.1%} of users, {:.1%} of answers".format(*(group[name] for name in _SHARES)))
        for one in respondents
        if one["differs"]
        for group in one["groups"]
        if abs(group["standardised_difference"]) >= 0.25
    ]
