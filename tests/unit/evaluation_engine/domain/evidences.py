"""Makes evidence for tests."""

from typing import Any

from evaluation_engine.domain.accumulator import merge
from evaluation_engine.domain.cohort import Cohort
from evaluation_engine.domain.evidence import Evidence, Sources
from evaluation_engine.domain.kpi_catalogue import CATALOGUE
from tests.unit.evaluation_engine.domain.journeys import DAY, T0

ALL_NEEDS = {need.name for definition in CATALOGUE for need in definition.needs}
EVERYTHING = Sources(dict.fromkeys(ALL_NEEDS, T0 + 30 * DAY))


def evidence(measures: dict[str, int] | None = None, **over: Any) -> Evidence:
    fields: dict[str, Any] = {
        "start_ms": T0,
        "end_ms": T0 + 31 * DAY,
        "zone": "UTC",
        "as_of_ms": T0 + 60 * DAY,
        "measures": measures if measures is not None else merge(over.get("buckets", ())),
        "sources": EVERYTHING,
    }
    return Evidence(**(fields | over))


def cohort(start_ms: int, end_ms: int, started: int, ends: dict[tuple[str, int], int]) -> Cohort:
    """A start day of which the single times are not known."""
    measures = {f"surv.{cause}.{bin_}": n for (cause, bin_), n in ends.items()}
    return Cohort(start_ms, end_ms, {"surv.start": started} | measures)
