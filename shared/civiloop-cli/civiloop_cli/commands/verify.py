"""`civiloop verify`: does everything that came in stand in the books?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import typer

from civiloop_cli.commands.connection import ENGINE, FEEDBACK_API, Connection, DataDirOption, KeyOption
from civiloop_cli.console import print_json, stdout
from civiloop_cli.ledgers import OUTCOMES, FeedbackBalance, feedback_balances, topic_balances
from civiloop_cli.options import JsonOption


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
        parts = {"partitions": ledger["partitions"], "differences": ledger["differences"], "feedback": feedback}
        print_json({"balanced": balanced, **parts})
    else:
        _show(ledger, balances, balanced=balanced)
    raise typer.Exit(0 if balanced else 1)


def _show(ledger: dict[str, Any], balances: list[FeedbackBalance], *, balanced: bool) -> None:
    console = stdout()
    console.print("Records that the engine consumed", style="bold")
    for topic in topic_balances(ledger["partitions"]):
        console.print(f"  {topic['topic']}, {topic['partitions']} partitions: {_told(topic, ('span', *OUTCOMES))}")
    for topic, outcomes in ledger["differences"].items():
        told = ", ".join(f"{number:+,} {_word(outcome)}" for outcome, number in outcomes.items())
        console.print(f"  [bold red]{topic}: the facts differ from the ledger by {told}[/]")
    console.print("Feedback that is stored, by service and day of receipt", style="bold")
    for one in balances:
        numbers = {**asdict(one), "imbalance": one.imbalance}
        console.print(f"  {one.service} {one.day}: {_told(numbers, _FEEDBACK)}", soft_wrap=True)
    console.print("[green]balanced[/]" if balanced else "[bold red]not balanced[/]")


_FEEDBACK = ("stored", "waiting", "counted", "quarantined", "dead_lettered", "erased")


def _told(numbers: Mapping[str, Any], names: Iterable[str]) -> str:
    """Say the first number, whatever it is, then those that are not 0, and an imbalance loudly."""
    first, *others = names
    parts = [f"{numbers[first]:,} {first}"] + [f"{numbers[name]:,} {_word(name)}" for name in others if numbers[name]]
    if numbers["imbalance"]:
        parts.append(f"[bold red]imbalance {numbers['imbalance']:,}[/]")
    return ", ".join(parts)


def _word(name: str) -> str:
    return name.replace("_", " ")
