"""What findings read beside the results, and the findings of one evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from civiloop_shared.contracts.evaluations import FindingSummary
from evaluation_engine.domain.accumulator import LazySum, Measures
from evaluation_engine.domain.buckets import Period, calendar
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.domain.findings.discover import discover
from evaluation_engine.domain.findings.scene import PAST_WEEKS, TREND_WEEKS, Scene, about_people
from evaluation_engine.service.evaluate.compute import Answerer, Outcome, Question
from evaluation_engine.service.evaluate.readings import Readings, Shopping
from evaluation_engine.service.evaluate.theming import measures_before, shop_themes
from evaluation_engine.service.evaluate.yardstick import Yardstick

_HOUR_MS = 3_600_000


def shop(shopping: Shopping, question: Question) -> None:
    """Read single cuts over the period, those of channels over the past weeks, and the total day by day."""
    yardstick, period = question.yardstick, question.period
    cuts = [cut for of_dimension in dimensions_of(yardstick).values() for cut in of_dimension]
    shopping.period(period, ["", *cuts, *pairs_of(yardstick)])
    past = _past(period)
    shopping.period(past, yardstick.channel_cuts.values())
    shop_themes(shopping, yardstick, period)
    in_zone = calendar(period.zone)
    trend_start = in_zone.start_of(period.end - timedelta(weeks=TREND_WEEKS))
    if trend_start <= period.start_ms:
        shopping.range("day", min(past.start_ms, trend_start), period.end_ms, [""])
    else:  # a long period: the weeks before it, and those up to its end
        shopping.range("day", past.start_ms, period.start_ms, [""])
        shopping.range("day", trend_start, period.end_ms, [""])


def notice(answerer: Answerer, outcome: Outcome, book: ThemeBook) -> tuple[FindingSummary, ...]:
    """Return the findings, the weightiest first."""
    service = answerer.question.yardstick.service
    return tuple(one.summary(service) for one in discover(_scene(answerer, outcome, book)))


def dimensions_of(yardstick: Yardstick) -> dict[str, tuple[str, ...]]:
    """Return the single cuts of every dimension that the service has."""
    document = yardstick.document
    names = ["channel", "language", "assisted", *(f"segment.{name}" for name in document.segments)]
    if document.steps:
        names.append("step")
    return {name: yardstick.cuts_by(name) for name in names}


def pairs_of(yardstick: Yardstick) -> tuple[str, ...]:
    """Return each channel with each group of people: what is compared like with like."""
    groups = [cut for name, cuts in dimensions_of(yardstick).items() if about_people(name) for cut in cuts]
    return tuple(f"{channel}|{group}" for channel in yardstick.channel_cuts.values() for group in groups)


def _scene(answerer: Answerer, outcome: Outcome, book: ThemeBook) -> Scene:
    yardstick, period, readings = answerer.question.yardstick, answerer.question.period, answerer.readings
    dimensions = dimensions_of(yardstick)
    in_zone = calendar(period.zone)
    return Scene(
        period=period,
        as_of_ms=answerer.as_of_ms,
        now=book.counted(readings.total(period, "")),
        cuts=_totals(readings, period, [cut for cuts in dimensions.values() for cut in cuts]),
        past_cuts=_totals(readings, _past(period), yardstick.channel_cuts.values()),
        pairs={cut: LazySum(readings.parts(period, cut)) for cut in pairs_of(yardstick)},
        days={in_zone.date_of(start): measures for start, measures in readings.of_cut("day", "").items()},
        dimensions=dimensions,
        steps=yardstick.document.steps,
        silence_limit_ms=yardstick.document.silence_limit_hours * _HOUR_MS,
        definitions=yardstick.definitions,
        offered=frozenset(one.family for one in yardstick.known.values()),
        results=outcome.results,
        targets=outcome.targets,
        sources=answerer.sources,
        needs=yardstick.needs,
        before=measures_before(readings, period, book),
        themes={theme: title["en"] for theme, title in book.titles.items()},
    )


def _past(period: Period) -> Period:
    return Period.last_days(period.start, 7 * PAST_WEEKS, period.zone)


def _totals(readings: Readings, period: Period, cuts: Iterable[str]) -> dict[str, Measures]:
    found = {cut: readings.total(period, cut) for cut in cuts}
    return {cut: measures for cut, measures in found.items() if measures}
