"""What people write about a service, over any period, with examples in their own words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from civiloop_shared.contracts.evaluations import ThemeResult
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.comments.quotes import Candidate, Quote, representative, with_theme
from evaluation_engine.ports.comments import QuoteReleases, QuoteSource
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.live import period_now
from evaluation_engine.service.evaluate.periods import asked
from evaluation_engine.service.evaluate.readings import Readings, Shopping
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.theming import shop_themes, themes_of
from evaluation_engine.service.evaluate.yardstick import Yardstick

MOST_QUOTES: Final = 3
MOST_COMMENTS: Final = 2_000
"""Quotes and phrases are looked for among the newest comments of a period."""

MOST_RELEASES: Final = 500

_BY_LANGUAGE: Final = "comment.language."


@dataclass(frozen=True, slots=True)
class QuotedTheme:
    """A theme and examples of it."""

    result: ThemeResult
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Themes:
    """Of one period. ``languages`` counts comments by the language that they are written in.

    ``outdated`` of the ``newest`` comments that quotes are taken from were read with another taxonomy than the one in
    use; ``released`` are the keys of answers whose words are public.
    """

    period: Period
    comments: int
    languages: Mapping[str, int]
    themes: tuple[QuotedTheme, ...]
    newest: int
    outdated: int
    released: frozenset[str]
    book: ThemeBook


@dataclass(frozen=True, slots=True)
class CommentsOfPeriods:
    """Finds a period, and the newest comments of it with the themes that are in use."""

    source: QuoteSource
    book: ThemeBook
    clock: Callable[[], datetime]

    def period(self, yardstick: Yardstick, text: str) -> Period:
        """Return what is meant by a text. Raises ``ValidationError``."""
        return period_now(yardstick.zone, self.clock()) if text == LIVE else asked(text, yardstick.zone)

    async def newest(self, service: str, period: Period) -> list[Candidate]:
        """Return at most `MOST_COMMENTS` comments, the newest first."""
        found = await self.source.candidates(service, period.start_ms, period.end_ms, MOST_COMMENTS)
        return [replace(one, record=self.book.read(one.record)) for one in found]


@dataclass(frozen=True, slots=True)
class ThemesDesk:
    """Computes themes from aggregates, and takes quotes from the answers that are kept."""

    yardsticks: Yardsticks
    reader: MeasureReader
    comments: CommentsOfPeriods
    releases: QuoteReleases

    async def of(self, body: str, service: str, period: str) -> Themes:
        """Return the themes of a period. Raises ``UnknownServiceError``, and ``ValidationError`` for the period."""
        yardstick = await self.yardsticks.of(body, service)
        wanted = self.comments.period(yardstick, period)
        shopping = Shopping()
        shop_themes(shopping, yardstick, wanted)
        spans = shopping.spans()
        rows = await self.reader.read(service, spans)
        newest = await self.comments.newest(service, wanted)
        released = await self.releases.of_service(service, MOST_RELEASES)
        book = self.comments.book

        def answer() -> Themes:
            readings = Readings.of(spans, rows)
            measures = readings.total(wanted, "")
            languages = {
                name.removeprefix(_BY_LANGUAGE).removesuffix(".n"): n
                for name, n in sorted(measures.items())
                if name.startswith(_BY_LANGUAGE) and name.endswith(".n")
            }
            return Themes(
                period=wanted,
                comments=measures.get("comment.n", 0),
                languages=languages,
                themes=_quoted(themes_of(readings, yardstick, wanted, book), newest),
                newest=len(newest),
                outdated=sum(one.record.taxonomy != book.digest for one in newest),
                released=frozenset(one.key for one in released if one.public),
                book=book,
            )

        return await asyncio.to_thread(answer)


def _quoted(themes: Sequence[ThemeResult], comments: Sequence[Candidate]) -> tuple[QuotedTheme, ...]:
    return tuple(
        QuotedTheme(one, representative(comments, with_theme(comments, one.theme), MOST_QUOTES)) for one in themes
    )
