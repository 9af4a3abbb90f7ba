"""What a measurement says: a ratio to a reference of the same run, with both sides."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table

GENEROUS = '{"ingest": {"per_second": 10000000, "burst": 10000000}}'
"""Limits of the services that no measurement reaches."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """``ours`` over ``reference``, medians of pairs measured in turn; ``expected`` is the least that is wanted."""

    name: str
    ours: Sequence[float]
    reference: Sequence[float]
    unit: str
    expected: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        """Median of the ratios pair by pair: a machine that slows down slows both of a pair."""
        return statistics.median(a / b for a, b in zip(self.ours, self.reference, strict=True))

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of a pair."""
        ratios = [a / b for a, b in zip(self.ours, self.reference, strict=True)]
        return min(ratios), max(ratios)

    @property
    def verdict(self) -> str:
        """Whether it is as expected."""
        if self.expected is not None:
            return "as expected" if self.value >= self.expected else f"expected at least {self.expected:g}"
        if self.at_most is not None:
            return "as expected" if self.value <= self.at_most else f"expected at most {self.at_most:g}"
        return ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that has no reference: a latency with its limit, or memory."""

    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Whether it is within its limit."""
        if self.at_most is None:
            return ""
        return "as expected" if self.value <= self.at_most else f"expected at most {self.at_most:g}"


def machine() -> str:
    """Say what was measured on."""
    memory = psutil.virtual_memory().total / 2**30
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{kind}, {memory:.0f} GiB, Python {platform.python_version()}"


def show(ratios: Sequence[Ratio], figures: Sequence[Figure]) -> None:
    """Print all of it."""
    console = Console()
    console.print(machine(), highlight=False)
    if ratios:
        table = Table("measurement", "ratio", "from", "to", "ours", "reference", "", title="Ratios, medians of pairs")
        for one in ratios:
            low, high = one.spread
            sides = (f"{statistics.median(side):,.1f} {one.unit}" for side in (one.ours, one.reference))
            table.add_row(one.name, f"{one.value:.3f}", f"{low:.3f}", f"{high:.3f}", *sides, one.verdict)
        console.print(table)
    if figures:
        table = Table("measurement", "value", "", title="Figures")
        for figure in figures:
            table.add_row(figure.name, f"{figure.value:,.2f} {figure.unit}", figure.verdict)
        console.print(table)
