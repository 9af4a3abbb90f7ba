"""What people write about a service, over any period, with examples in their own words: for the inside only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from civiloop_shared.contracts.evaluations import ThemeResult
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.comments.quotes import Candidate, Quote, representative
from evaluation_engine.ports.comments import QuoteSource
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.live import period_now
from evaluation_engine.service.evaluate.periods import asked
from evaluation_engine.service.evaluate.readings import Readings, Shopping
from evaluation_engine.service.evaluate.scorecard import LIVE
from evaluation_engine.service.evaluate.theming import shop_themes, themes_of

MOST_QUOTES: Final = 3
MOST_COMMENTS: Final = 2_000
"""Quotes are chosen among the newest comments of a period."""

_BY_LANGUAGE: Final = "comment.language."


@dataclass(frozen=True, slots=True)
class QuotedTheme:
    """A theme and examples of it."""

    result: ThemeResult
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Themes:
    """Of one period. ``languages`` counts comments by the language that they are written in."""

    period: Period
    comments: int
    languages: Mapping[str, int]
    themes: tuple[QuotedTheme, ...]


@dataclass(frozen=True, slots=True)
class ThemesDesk:
    """Computes themes from aggregates, and takes quotes from the answers that are kept."""

    yardsticks: Yardsticks
    reader: MeasureReader
    source: QuoteSource
    book: ThemeBook
    clock: Callable[[], datetime]

    async def of(self, body: str, service: str, period: str) -> Themes:
        """Return the themes of a period. Raises ``UnknownServiceError``, and ``ValidationError`` for the period."""
        yardstick = await self.yardsticks.of(body, service)
        live = period == LIVE
        wanted = period_now(yardstick.zone, self.clock()) if live else asked(period, yardstick.zone)
        shopping = Shopping()
        shop_themes(shopping, yardstick, wanted)
        spans = shopping.spans()
        rows = await self.reader.read(service, spans)
        comments = await self.source.candidates(service, wanted.start_ms, wanted.end_ms, MOST_COMMENTS)

        def answer() -> Themes:
            readings = Readings.of(spans, rows)
            measures = readings.total(wanted, "")
            languages = {
                name.removeprefix(_BY_LANGUAGE).removesuffix(".n"): n
                for name, n in sorted(measures.items())
                if name.startswith(_BY_LANGUAGE) and name.endswith(".n")
            }
            found = themes_of(readings, yardstick, wanted, self.book)
            return Themes(wanted, measures.get("comment.n", 0), languages, _quoted(found, comments))

        return await asyncio.to_thread(answer)


def _quoted(themes: Sequence[ThemeResult], comments: Sequence[Candidate]) -> tuple[QuotedTheme, ...]:
    return tuple(QuotedTheme(one, representative(comments, one.theme, MOST_QUOTES)) for one in themes)
