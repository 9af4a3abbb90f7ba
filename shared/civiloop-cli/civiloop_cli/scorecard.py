"""A scorecard as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_ONE_LOOK = "  Intervals here are made for one look, not for repeated looks."
_BARE = frozenset({"", "1", "points", "score"})
"""Units that are not written beside a number."""
VERDICTS = {
    "met": ("met", "green"),
    "missed": ("missed", "bold red"),
    "too_close_to_call": ("too close to call", "yellow"),
    "not_enough_data": ("not enough data", "dim"),
    "not_measured": ("not measured", "dim"),
}
REDESIGN = {
    "keep": ("keep", "green"),
    "improve": ("improve", "yellow"),
    "redesign": ("redesign", "bold red"),
    "reimplement": ("build anew", "bold red"),
    "not_enough_evidence": ("not enough evidence", "dim"),
}


def scorecard_table(card: Mapping[str, Any], *, explained: bool = True) -> RenderableType:
    """Return the KPIs of a scorecard (JSON of reporting) with interval, sample, target and status, and the verdict."""
    table = Table(
        title=f"{card['service']}  {days_of(card['period'])}", box=None, title_justify="left", padding=(0, 1, 0, 0)
    )
    for name in ("KPI", "Value", "Interval", "Sample", "Target", "Status"):
        numeric = name in {"Value", "Sample"}
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric or name == "KPI")
    targets = {target["kpi"]: target for target in card.get("targets", ()) if not target["result"]["cut"]}
    for result in card["results"]:
        table.add_row(*_row(result, targets.get(result["kpi"]), card["period"]))
    notes = () if card["closed"] else (Text(_ONE_LOOK, style="dim"),)
    return Group(table, *notes, *(_verdict(one, explained=explained) for one in card.get("benchmarks", ())))


def days_of(period: Mapping[str, Any]) -> str:
    """Name the first and the last day of a period in its own zone."""
    return f"{_first(period)} to {_last(period)} ({period['zone']})"


def _first(period: Mapping[str, Any]) -> str:
    return f"{datetime.fromisoformat(period['start']).astimezone(ZoneInfo(period['zone'])):%Y-%m-%d}"


def _last(period: Mapping[str, Any]) -> str:
    end = datetime.fromisoformat(period["end"]) - timedelta(milliseconds=1)
    return f"{end.astimezone(ZoneInfo(period['zone'])):%Y-%m-%d}"


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit."""
    if value is None:
        return "–"
    return number(value, unit) if unit in _BARE else f"{number(value, unit)} {unit}"


def number(value: float, unit: str) -> str:
    """Return a value without its unit: shares and points with one decimal, amounts with two."""
    return f"{value:,.1f}" if unit == "%" or unit in _BARE else f"{value:,.2f}"


def _row(
    result: Mapping[str, Any], target: Mapping[str, Any] | None, period: Mapping[str, Any]
) -> tuple[str | Text, ...]:
    unit = result["unit"]
    interval = result.get("interval") or {}
    span = "–"
    if interval.get("low") is not None and interval.get("high") is not None:
        span = f"{number(interval['low'], unit)} to {number(interval['high'], unit)}"
    value = amount(result["value"], unit) if result["state"] == "ok" else result["state"].replace("_", " ")
    if target is None:
        return result["kpi"], value, span, f"{result['n']:,}", "", ""
    sign = "≥" if target["comparison"] == "at_least" else "≤"
    word, style = VERDICTS[target["verdict"]]
    wanted = f"{sign} {amount(target['threshold'], unit)}"
    at_risk = ", at risk" if target.get("at_risk") else ""
    return (
        result["kpi"],
        value,
        span,
        f"{result['n']:,}",
        wanted,
        Text(word + _when(target, period) + at_risk, style=style),
    )


def _when(target: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """What a verdict is about, where that is not the period shown: all since a day, or a period that has ended."""
    if target["verdict"] in {"not_enough_data", "not_measured"}:
        return ""
    about = target["result"]["period"]
    if target.get("judged") == "at_every_look":
        return f" since {_first(about)}"
    return "" if about["end"] == shown["end"] else f" up to {_last(about)}"


def _verdict(benchmark: Mapping[str, Any], *, explained: bool) -> Text:
    word, style = REDESIGN[benchmark["verdict"]]
    draft = " (draft)" if benchmark["draft"] else ""
    line = Text.assemble(f"  {benchmark['benchmark']}{draft}: ", (word, style))
    if benchmark.get("period"):
        line.append(f", {days_of(benchmark['period'])}", style="dim")
    return line.append(f"  {benchmark['explanation']}", style="dim") if explained else line
