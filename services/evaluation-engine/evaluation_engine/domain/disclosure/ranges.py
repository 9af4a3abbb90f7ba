"""How far open hidden groups are: what whole tables were found that agree with everything shown."""

from __future__ import annotations

from typing import NamedTuple

from evaluation_engine.domain.disclosure.tables import Cell, Scale

PROTECTION = 5
"""A hidden number of people must be open by at least this: between its fewest and most possible."""

SCORE_PROTECTION = 1
"""A hidden sum of answers must be open by at least this, and at least so far from everybody giving the same end."""

Settled = tuple[frozenset[Cell], frozenset[Cell]]
"""Cells of which a shown number says that all gave the lowest, or the highest."""


class Range(NamedTuple):
    """What of a hidden cell is known to be possible: whole tables were found with these."""

    fewest: int
    most: int
    least_score: int = 0
    most_score: int = 0
    above_lowest: int = 0
    below_highest: int = 0

    def wider(self, n: int, score: int, scale: Scale | None) -> Range:
        """The range with one more possible table."""
        low, high = scale or (0, 0)
        return Range(
            min(self.fewest, n),
            max(self.most, n),
            min(self.least_score, score),
            max(self.most_score, score),
            max(self.above_lowest, score - low * n),
            max(self.below_highest, high * n - score),
        )

    def people_open(self, protection: int) -> bool:
        """Whether the number of people is open."""
        return self.most - self.fewest >= protection

    @property
    def score_open(self) -> bool:
        """Whether the sum of answers is."""
        return self.most_score - self.least_score >= SCORE_PROTECTION

    def answers_open(self, cell: Cell, settled: Settled) -> bool:
        """Whether what the people answered is open, as far as nothing shown says it of all."""
        lowest, highest = (cell in known for known in settled)
        return (
            (lowest or self.above_lowest >= SCORE_PROTECTION)
            and (highest or self.below_highest >= SCORE_PROTECTION)
            and (lowest or highest or self.score_open)
        )
