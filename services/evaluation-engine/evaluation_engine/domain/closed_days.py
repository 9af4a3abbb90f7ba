"""Days that lie well back: their partitions are merged into one row, and months are made of them.

A partition has one owner, who keeps its cells in memory. So a merge may only touch days that no owner keeps: owners
read a day afresh once it began `KEPT_IN_MEMORY_MS` ago, and a merge waits for a day and a half longer, which is more
than a transaction can last or two clocks can differ by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation_engine.domain.accumulator import Measures, merge
from evaluation_engine.domain.buckets import DAY_MS, Grain

MERGED = -1
"""Stands for the partition of a row in which all partitions of a topic are merged."""

KEPT_IN_MEMORY_MS = 60 * 3_600_000
MERGED_AFTER_MS = 4 * DAY_MS

_ONLY_BY_START_DAY = "surv."


def read_afresh(grain: Grain, bucket_start_ms: int, now_ms: int) -> bool:
    """Whether an owner must read a cell from the table for every batch that changes it."""
    return grain == "day" and bucket_start_ms < now_ms - KEPT_IN_MEMORY_MS


def month_of(days: Iterable[Mapping[str, int]]) -> Measures:
    """Sum of days without survival, which is known by start days only."""
    return without_survival(merge(days))


def without_survival(measures: Mapping[str, int]) -> Measures:
    """What is known of more than start days."""
    return {name: amount for name, amount in measures.items() if not name.startswith(_ONLY_BY_START_DAY)}
