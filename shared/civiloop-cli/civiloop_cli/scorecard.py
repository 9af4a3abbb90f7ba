"""A scorecard as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_VERDICTS = {
    "met": ("met", "green"),
    "missed": ("missed", "bold red"),
    "too_close_to_call": ("too close to call", "yellow"),
    "not_enough_data": ("not enough data", "dim"),
    "not_measured": ("not measured", "dim"),
}
_REDESIGN = {
    "keep": ("keep", "green"),
    "improve": ("improve", "yellow"),
    "redesign": ("redesign", "bold red"),
    "reimplement": ("build anew", "bold red"),
    "not_enough_evidence": ("not enough evidence", "dim"),
}


def scorecard_table(card: Mapping[str, Any]) -> RenderableType:
    """Return the KPIs of a scorecard (JSON of reporting) with interval, sample, target and status, and the verdict."""
    period = card["period"]
    table = Table(title=f"{card['service']}  {period['start'][:10]} to {period['end'][:10]} ({period['zone']})")
    for name in ("KPI", "Value", "Interval", "Sample", "Target", "Status"):
        table.add_column(name, justify="right" if name in {"Value", "Sample"} else "left")
    targets = {target["kpi"]: target for target in card.get("targets", ())}
    for result in card["results"]:
        table.add_row(*_row(result, targets.get(result["kpi"])))
    return Group(table, *(_verdict(benchmark) for benchmark in card.get("benchmarks", ())))


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit; durations in the unit that reads best."""
    if value is None:
        return "–"
    if unit == "ms":
        size, name = (_DAY_MS, "d") if abs(value) >= 2 * _DAY_MS else (_HOUR_MS, "h")
        return f"{value / size:.1f} {name}"
    number = f"{value:,.1f}" if unit in {"%", "points", "score", "1", ""} else f"{value:,.2f}"
    return f"{number} {unit}".strip() if unit not in {"1", "points", "score"} else number


def _row(result: Mapping[str, Any], target: Mapping[str, Any] | None) -> tuple[str | Text, ...]:
    unit = result["unit"]
    interval = result.get("interval") or {}
    span = "–"
    if interval.get("low") is not None and interval.get("high") is not None:
        span = f"{amount(interval['low'], unit)} to {amount(interval['high'], unit)}"
    value = amount(result["value"], unit) if result["state"] == "ok" else result["state"].replace("_", " ")
    if target is None:
        return result["kpi"], value, span, f"{result['n']:,}", "", ""
    sign = "≥" if target["comparison"] == "at_least" else "≤"
    word, style = _VERDICTS[target["verdict"]]
    wanted = f"{sign} {amount(target['threshold'], unit)}"
    return result["kpi"], value, span, f"{result['n']:,}", wanted, Text(word, style=style)


def _verdict(benchmark: Mapping[str, Any]) -> Text:
    word, style = _REDESIGN[benchmark["verdict"]]
    draft = " (draft)" if benchmark["draft"] else ""
    line = Text.assemble(f"  {benchmark['benchmark']}{draft}: ", (word, style))
    return line.append(f"  {benchmark['explanation']}", style="dim")
