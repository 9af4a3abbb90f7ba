"""Redesign verdicts as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from civiloop_cli.scorecard import REDESIGN, days_of, number

_LEVELS = {"redesign": "redesign", "reimplement": "build anew", "goal": "goal"}
_LIMITS = {"below": "not below", "above": "not above"}


def clause_table(benchmark: Mapping[str, Any], found: Mapping[str, Any]) -> RenderableType:
    """Return the clauses of a verdict: the number, its limit, the margin and the state of each."""
    word, style = REDESIGN[benchmark["verdict"]]
    draft = " (draft: nobody has approved it)" if benchmark["draft"] else ""
    title = Text.assemble(f"{benchmark['benchmark']}{draft}, {days_of(found['period'])}: ", (word, style))
    table = Table(title=title, box=None, title_justify="left", padding=(0, 1, 0, 0))
    for name in ("Criterion", "Level", "Observed", "Limit", "Margin", "Sample", "State"):
        right = name in {"Observed", "Limit", "Margin", "Sample"}
        table.add_column(name, justify="right" if right else "left", no_wrap=right)
    for clause in benchmark["clauses"]:
        table.add_row(*_clause(clause))
    return Group(table, Text(f"  {benchmark['explanation']}", style="dim"))


def backtest_table(played: Mapping[str, Any]) -> RenderableType:
    """Return one row a period, with the clauses that held against the service in it."""
    table = Table(
        title=f"{played['service']}: {played['benchmark']} ({played['source']})",
        box=None,
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    for name in ("Period", "Verdict", "Held"):
        table.add_column(name, no_wrap=name != "Held")
    for period in played["periods"]:
        word, style = REDESIGN[period["verdict"]]
        held = [clause for clause in period["clauses"] if clause["held"] and clause["level"] != "goal"]
        shown = ", ".join(f"{clause['rule']} {_observed(clause)}" for clause in held)
        table.add_row(days_of(period["period"]), Text(word, style=style), shown)
    return table


def _clause(clause: Mapping[str, Any]) -> tuple[str | Text, ...]:
    held = clause.get("held")
    style = "dim" if held is None else ("bold red" if held else "green")
    side = _LIMITS.get(clause.get("side") or "", "")
    unit = clause.get("unit") or ""
    margin = clause.get("margin")
    return (
        clause["rule"] + (" (critical)" if clause["critical"] else ""),
        _LEVELS[clause["level"]],
        _observed(clause),
        f"{side} {number(clause['threshold'], unit)}".strip(),
        "–" if margin is None else f"{margin:+,.2f}",
        f"{clause['n']:,}",
        Text(clause["state"].replace("_", " "), style=style),
    )


def _observed(clause: Mapping[str, Any]) -> str:
    """Show two decimals: rounding must not make 7.96 look like the limit of 8."""
    return "–" if clause["observed"] is None else f"{clause['observed']:,.2f}"
