"""Results as rows of CSV: one row a result, with everything needed to judge it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HEADER = (
    "service",
    "kpi",
    "cut",
    "period_start",
    "period_end",
    "zone",
    "state",
    "reason",
    "value",
    "unit",
    "n",
    "interval_low",
    "interval_high",
    "interval_level",
    "interval_method",
    "numerator",
    "denominator",
    "definition_version",
)


def result_rows(service: str, results: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """Yield a row for each KPI result (as JSON)."""
    for result in results:
        interval = result.get("interval") or {}
        period = result["period"]
        yield [
            service,
            result["kpi"],
            result.get("cut", ""),
            period["start"],
            period["end"],
            period["zone"],
            result["state"],
            result.get("reason"),
            result.get("value"),
            result["unit"],
            result["n"],
            *(interval.get(name) for name in ("low", "high", "level", "method")),
            result.get("numerator"),
            result.get("denominator"),
            result["definition_version"],
        ]
