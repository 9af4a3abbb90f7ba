"""Months are made of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation_engine.domain.accumulator import Measures, merge

_ONLY_BY_START_DAY = "surv."


def month_of(days: Iterable[Mapping[str, int]]) -> Measures:
    """Sum of days without survival, which is known by start days only."""
    return without_survival(merge(days))


def without_survival(measures: Mapping[str, int]) -> Measures:
    """What is known of more than start days."""
    return {name: amount for name, amount in measures.items() if not name.startswith(_ONLY_BY_START_DAY)}
