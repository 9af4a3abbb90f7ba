"""`civiloop verify`: does everything that came in stand in the books?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.table import Table

from civiloop_cli.commands.connection import ENGINE, FEEDBACK_API, Connection, DataDirOption, KeyOption
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption

_COUNTS = ("counted", "duplicate", "quarantined", "dead_lettered", "erased", "data_fault")


@dataclass(frozen=True, slots=True)
class FeedbackBalance:
    """Feedback of one service received on one day (UTC): what feedback-api stores against what the engine has."""

    service: str
    day: str
    stored: int
    waiting: int
    counted: int
    quarantined: int
    dead_lettered: int
    erased: int

    @property
    def imbalance(self) -> int:
        """Stored rows that stand nowhere (positive) or stand twice (negative)."""
        return self.stored - self.waiting - self.counted - self.quarantined - self.dead_lettered - self.erased


def verify(json: JsonOption = False, key: KeyOption = None, data_dir: DataDirOption = None) -> None:
    """Compare what was accepted with what was counted. Exit code 1 when they differ.

    Records that are still on their way count as such: wait until nothing is waiting for a final answer.
    """
    connection = Connection(None, key, data_dir)
    with connection.to(FEEDBACK_API, as_json=json) as feedback_api:
        stored = feedback_api.get("/v1/ledger")
    with connection.to(ENGINE, as_json=json) as engine:
        ledger = engine.get("/v1/ledger")
    balances = feedback_balances(stored, ledger["feedback"])
    balanced = not ledger["imbalance"] and not any(balance.imbalance for balance in balances)
    if json:
        feedback = [{**asdict(balance), "imbalance": balance.imbalance} for balance in balances]
        print_json({"balanced": balanced, "partitions": ledger["partitions"], "feedback": feedback})
    else:
        _show(ledger, balances, balanced=balanced)
    raise typer.Exit(0 if balanced else 1)


def feedback_balances(stored: list[dict[str, Any]], counted: list[dict[str, Any]]) -> list[FeedbackBalance]:
    """Bring both ledgers together, a line for each service and day of receipt."""
    ours = {(row["service"], row["day"]): row for row in stored}
    theirs = {(row["service"], row["day"]): row for row in counted}
    found = []
    for service, day in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get((service, day), {}), theirs.get((service, day), {})
        numbers = {name: int(there.get(name, 0)) for name in ("counted", "quarantined", "dead_lettered", "erased")}
        in_stock, on_the_way = int(here.get("stored", 0)), int(here.get("waiting", 0))
        found.append(FeedbackBalance(service, day, in_stock, on_the_way, **numbers))
    return found


def _show(ledger: dict[str, Any], balances: list[FeedbackBalance], *, balanced: bool) -> None:
    console = stdout()
    partitions = Table("topic", "partition", "span", *_COUNTS, "imbalance", title="Records consumed")
    for row in ledger["partitions"]:
        partitions.add_row(row["topic"], *(str(row[name]) for name in ("partition", "span", *_COUNTS, "imbalance")))
    console.print(partitions)
    feedback = Table("service", "day", "stored", "waiting", "counted", "quarantined", "dead", "erased", "imbalance")
    for one in balances:
        numbers = (one.stored, one.waiting, one.counted, one.quarantined, one.dead_lettered, one.erased, one.imbalance)
        feedback.add_row(one.service, one.day, *map(str, numbers))
    console.print(feedback)
    console.print("[green]balanced[/]" if balanced else "[bold red]not balanced[/]")
