"""What is made of a comment, comments as candidates for quotes, and what is kept of them by reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

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

    async def records(self, service: str, since_ms: int, until_ms: int, most: int) -> list[CommentRecord]:
        """Return the records alone, of the same comments in the same order."""


class NamedBy(NamedTuple):
    """A phrase by its id and its stems, and the key of an answer that writes it in the way it may be called."""

    phrase: str
    key: str
    answer: str


class PhraseNames(Protocol):
    """Keeps the names of phrases, by reference to an answer that has the words."""

    async def keep(self, service: str, phrases: Sequence[NamedBy]) -> dict[str, str]:
        """Return the name of each phrase: the one that was given first, as long as its answer is there.

        A phrase without a name gets that of the answer it comes with. One whose answer is gone by now is left out.
        """


@dataclass(frozen=True, slots=True)
class Release:
    """A quote that was released for a theme, by whom, when and why; likewise when it was withdrawn.

    People are keys, by id and label. ``text`` and ``language`` are those of the answer, None once it is gone.
    """

    key: str
    theme: str
    text: str | None
    language: str | None
    released_by: str
    released_label: str | None
    released_at: datetime
    reason: str | None
    withdrawn_by: str | None
    withdrawn_label: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str | None

    @property
    def public(self) -> bool:
        """True while the public may see it."""
        return self.withdrawn_at is None and self.text is not None


class Act(NamedTuple):
    """What a person does with a quote: with which key, when and why."""

    by: str
    at: datetime
    reason: str


class QuoteReleases(Protocol):
    """Keeps which answers were released as quotes, by reference: the words stay with the answer."""

    async def of_service(self, service: str, most: int) -> list[Release]:
        """Return releases, also those that were withdrawn, newest first, `most` at most."""

    async def release(self, service: str, key: str, theme: str, act: Act) -> bool:
        """Release an answer; one that is released already stays as it is. False when the answer is gone."""

    async def withdraw(self, service: str, key: str, act: Act) -> bool:
        """Withdraw a release. False when there is none."""
