"""How far the numbers of a service can be trusted, over any period."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.instants import instant
from evaluation_engine.domain.quality import checks
from evaluation_engine.domain.quality.checks import Check, OutOfOrder, SenderTotals
from evaluation_engine.domain.quality.flood import LOOKED_AT_DAYS, PAST_DAYS
from evaluation_engine.domain.quality.respondents import Comparison, compare, users_of
from evaluation_engine.ports.measures import MeasureReader
from evaluation_engine.ports.senders import SenderReader
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.compute import Answerer, Moment, Question
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.live import period_now
from evaluation_engine.service.evaluate.noticing import dimensions_of
from evaluation_engine.service.evaluate.periods import asked
from evaluation_engine.service.evaluate.readings import Readings
from evaluation_engine.service.evaluate.scorecard import LIVE

_WINDOW = timedelta(days=LOOKED_AT_DAYS + PAST_DAYS)


@dataclass(frozen=True, slots=True)
class Quality:
    """Checks, events outside of their journey, the response rate, and respondents against users by each dimension."""

    period: Period
    checks: tuple[Check, ...]
    out_of_order: tuple[OutOfOrder, ...]
    users: int
    answers: int
    respondents: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class QualityDesk:
    """Makes quality reports."""

    yardsticks: Yardsticks
    reader: MeasureReader
    senders: SenderReader
    evaluating: Evaluating

    async def of(self, body: str, service: str, period: str) -> Quality:
        """Return the report of a period. Raises ``UnknownServiceError``, and ``ValidationError`` for the period."""
        yardstick = await self.yardsticks.of(body, service)
        now = self.evaluating.clock()
        wanted = period_now(yardstick.zone, now) if period == LIVE else asked(period, yardstick.zone)
        complete = await self.reader.complete_until()
        question = Question(yardstick, wanted)
        shopping = question.shopping()
        cuts = [cut for of_dimension in dimensions_of(yardstick).values() for cut in of_dimension]
        shopping.period(wanted, ["", *cuts])
        first = calendar(wanted.zone).start_of(wanted.end - _WINDOW)
        shopping.range("day", first, wanted.end_ms, yardstick.channel_cuts.values())
        spans = shopping.spans()
        rows = await self.reader.read(service, spans)
        last = min(instant(wanted.end_ms), now).date()
        sent = await self.senders.senders(service, min(last - _WINDOW, wanted.start), last)
        moment = Moment.of(now, complete)

        def report() -> Quality:
            return _report(Answerer(question, Readings.of(spans, rows), moment), sent, last)

        return await asyncio.to_thread(report)


def _report(answerer: Answerer, sent: list[SenderTotals], last: date) -> Quality:
    period, yardstick = answerer.question.period, answerer.question.yardstick
    total = answerer.readings.total(period, "")
    by_dimension = {
        name: {cut: answerer.readings.total(period, cut) for cut in cuts}
        for name, cuts in dimensions_of(yardstick).items()
        if name != "step"
    }
    compared = (compare(name, cuts) for name, cuts in by_dimension.items())
    return Quality(
        period=period,
        checks=tuple(_checks(answerer, total, sent, last)),
        out_of_order=checks.out_of_order(total),
        users=users_of(total),
        answers=total.get("answers", 0),
        respondents=tuple(one for one in compared if one is not None),
    )


def _checks(answerer: Answerer, total: Mapping[str, int], sent: list[SenderTotals], last: date) -> Iterator[Check]:
    yardstick, period = answerer.question.yardstick, answerer.question.period
    seen_until = min(period.end_ms, answerer.moment.now_ms)
    yield from checks.sources(yardstick.needs, answerer.sources, seen_until)
    yield from checks.rates(answerer.outcome({}, period.start).results)
    yield checks.order(total)
    yield from checks.beside(total)
    yield from checks.clocks(sent)
    for topic in sorted({one.topic for one in sent}):
        yield from checks.floods("key", {one.source: one.by_day for one in sent if one.topic == topic}, last)
    yield from checks.floods("channel", _by_channel(answerer), calendar(period.zone).date_of(seen_until - 1))


def _by_channel(answerer: Answerer) -> dict[str, dict[date, int]]:
    """Journeys started and answers given, by channel and local day."""
    in_zone = calendar(answerer.question.period.zone)
    return {
        channel: {
            in_zone.date_of(start): measures.get("j.started", 0) + measures.get("answers", 0)
            for start, measures in answerer.readings.of_cut("day", cut).items()
        }
        for channel, cut in answerer.question.yardstick.channel_cuts.items()
    }
