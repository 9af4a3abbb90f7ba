"""What is made of a comment, and comments as candidates for quotes."""

from __future__ import annotations

from typing import Protocol

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.quotes import Candidate


class CommentExtractor(Protocol):
    """Makes records of masked comments with one taxonomy. The same comment gives the same record."""

    @property
    def digest(self) -> str:
        """Of the taxonomy: records that have it are up to date."""

    def __call__(self, comment: str) -> CommentRecord:
        """Return the record of any text. Takes about 0.2 ms, for 5,000 characters 13 ms."""


class QuoteSource(Protocol):
    """Reads counted comments; for the inside only."""

    async def candidates(self, service: str, since_ms: int, until_ms: int, most: int) -> list[Candidate]:
        """Return the newest comments of answers in `[since_ms, until_ms)` that have a record, `most` at most."""
