"""The books of feedback-api and of the engine, brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OUTCOMES = ("counted", "duplicate", "quarantined", "dead_lettered", "erased", "data_fault")
"""Every record that the engine consumed has exactly one of these."""


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


def topic_balances(partitions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum the engine's partitions by topic; the imbalance adds up how far each partition is off, whatever the sign."""
    found: dict[str, dict[str, Any]] = {}
    for row in partitions:
        total = found.setdefault(row["topic"], dict.fromkeys(("partitions", "span", *OUTCOMES, "imbalance"), 0))
        total["partitions"] += 1
        total["imbalance"] += abs(int(row["imbalance"]))
        for name in ("span", *OUTCOMES):
            total[name] += int(row[name])
    return [{"topic": topic, **total} for topic, total in sorted(found.items())]
