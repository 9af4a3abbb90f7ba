"""Quotes for publication: released by a person, one by one, and withdrawn again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from evaluation_engine.domain.comments.quotes import releasable
from evaluation_engine.errors import UnknownQuoteError
from evaluation_engine.ports.comments import Act, QuoteReleases, Release
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.themes import MOST_RELEASES, CommentsOfPeriods


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be released: the quote of a theme, as it was seen in a period."""

    quote: str
    theme: str
    period: str


@dataclass(frozen=True, slots=True)
class QuoteDesk:
    """Releases quotes, withdraws them, and knows who did."""

    yardsticks: Yardsticks
    comments: CommentsOfPeriods
    releases: QuoteReleases

    async def of(self, body: str, service: str) -> list[Release]:
        """Return releases with their history, newest first. Raises ``UnknownServiceError``."""
        await self.yardsticks.of(body, service)
        found = await self.releases.of_service(service, MOST_RELEASES)
        return [self._current(one) for one in found]

    async def release(self, body: str, service: str, wish: Wish, *, by: str, reason: str) -> None:
        """Release a quote; one that is released already stays as it is.

        Raises ``UnknownServiceError``, ``ValidationError`` for the period, and ``UnknownQuoteError`` when it isn't
        among the newest comments of the period, lacks the theme, or fewer than ten comments of them have it.
        """
        yardstick = await self.yardsticks.of(body, service)
        newest = await self.comments.newest(service, self.comments.period(yardstick, wish.period))
        theme = self.comments.book.current(wish.theme)
        found = await asyncio.to_thread(releasable, newest, theme, wish.quote)
        act = Act(by, self._now(), reason)
        if found is None or not await self.releases.release(service, found.key, theme, act):
            raise UnknownQuoteError

    async def withdraw(self, body: str, service: str, quote: str, *, by: str, reason: str) -> None:
        """Withdraw a release. Raises ``UnknownServiceError``, and ``UnknownQuoteError`` when it isn't released."""
        await self.yardsticks.of(body, service)
        if not await self.releases.withdraw(service, quote, Act(by, self._now(), reason)):
            raise UnknownQuoteError

    def _now(self) -> datetime:
        return self.comments.clock()

    def _current(self, release: Release) -> Release:
        return replace(release, theme=self.comments.book.current(release.theme))
