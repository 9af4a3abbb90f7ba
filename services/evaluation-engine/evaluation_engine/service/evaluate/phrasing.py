"""Phrases that the taxonomy does not know, in two comparisons over the newest comments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.comments.phrases import Phrase, standing_out
from evaluation_engine.domain.comments.quotes import Candidate, Quote, representative
from evaluation_engine.ports.comments import NamedBy, PhraseNames, QuoteReleases
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.themes import MOST_COMMENTS, MOST_RELEASES, CommentsOfPeriods
from evaluation_engine.service.evaluate.theming import periods_before

MOST_PHRASES: Final = 30
"""Of a comparison: those that stand out most."""

MOST_QUOTES: Final = 2
LOW: Final = frozenset({1, 2})
HIGH: Final = frozenset({4, 5})


@dataclass(frozen=True, slots=True)
class QuotedPhrase:
    """A phrase and examples of it."""

    phrase: Phrase
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many comments were compared with how many others, and what stands out in them."""

    comments: int
    others: int
    phrases: tuple[QuotedPhrase, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Of one period: against those before it, whose first day is ``before``; and low scores against high ones.

    ``released`` are the keys of answers whose words are public.
    """

    period: Period
    before: Period
    against_before: Comparison
    low_against_high: Comparison
    released: frozenset[str]


@dataclass(frozen=True, slots=True)
class PhrasesDesk:
    """Compares comments and remembers what phrases are called."""

    yardsticks: Yardsticks
    comments: CommentsOfPeriods
    names: PhraseNames
    releases: QuoteReleases

    async def of(self, body: str, service: str, period: str) -> Phrases:
        """Return what stands out. Raises ``UnknownServiceError``, and ``ValidationError`` for the period."""
        yardstick = await self.yardsticks.of(body, service)
        wanted = self.comments.period(yardstick, period)
        earlier = periods_before(wanted)
        before = Period(earlier[-1].start if earlier else wanted.start, wanted.start, wanted.zone)
        newest = await self.comments.newest(service, wanted)
        past = await self.comments.source.records(service, before.start_ms, before.end_ms, MOST_COMMENTS)
        low = [one for one in newest if one.rating in LOW]
        high = [one for one in newest if one.rating in HIGH]

        def compared() -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
            rising = standing_out([one.record for one in newest], past)
            costly = standing_out([one.record for one in low], [one.record for one in high])
            return rising[:MOST_PHRASES], costly[:MOST_PHRASES]

        rising, costly = await asyncio.to_thread(compared)
        named = {one.phrase: one for one in (*_named_by(rising, newest), *_named_by(costly, low))}
        names = await self.names.keep(service, [named[phrase] for phrase in sorted(named)]) if named else {}
        released = await self.releases.of_service(service, MOST_RELEASES)

        def quoted() -> Phrases:
            return Phrases(
                wanted,
                before,
                Comparison(len(newest), len(past), _quoted(rising, newest, names)),
                Comparison(len(low), len(high), _quoted(costly, low, names)),
                frozenset(one.key for one in released if one.public),
            )

        return await asyncio.to_thread(quoted)


def _named_by(phrases: Sequence[Phrase], comments: Sequence[Candidate]) -> list[NamedBy]:
    """Return with each phrase the newest comment that writes it as most do."""
    return [
        NamedBy(phrase.id, phrase.key, next(one.key for one in _having(phrase, comments) if _writes(one, phrase)))
        for phrase in phrases
    ]


def _writes(comment: Candidate, phrase: Phrase) -> bool:
    return comment.record.phrases[phrase.key] == phrase.name


def _quoted(
    phrases: Sequence[Phrase], comments: Sequence[Candidate], names: Mapping[str, str]
) -> tuple[QuotedPhrase, ...]:
    return tuple(
        QuotedPhrase(
            replace(phrase, name=names.get(phrase.id, phrase.name)),
            representative(comments, _having(phrase, comments), MOST_QUOTES),
        )
        for phrase in phrases
    )


def _having(phrase: Phrase, comments: Sequence[Candidate]) -> list[Candidate]:
    return [one for one in comments if one.record.language == phrase.language and phrase.key in one.record.phrases]
