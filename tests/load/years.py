"""Aggregates of many days, made as ingest makes them: facts become shares, shares are spread, cells are encoded.

Facts are drawn for a few patterns, and every service has the cells of one of them: drawing the facts of 200 services
would take longer than evaluating them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from random import Random
from typing import NamedTuple

import asyncpg

from civiloop_shared.contracts.topics import FEEDBACK, JOURNEYS
from evaluation_engine.adapters.cells import encode
from evaluation_engine.adapters.sink.instants import from_ms
from evaluation_engine.domain.contribution.address import Cell, Share
from evaluation_engine.domain.contribution.answers import of_answer
from evaluation_engine.domain.contribution.batch import Batch
from evaluation_engine.domain.contribution.journeys import of_journey
from evaluation_engine.domain.journey import fold, settle
from evaluation_engine.ports.measures import Span
from evaluation_engine.service.catalogue.publishing import defined
from evaluation_engine.service.evaluate.yardstick import Yardstick
from evaluation_engine.service.ingest.services import context_of
from tests.load.estate import answers_of, journeys_of

JOURNEYS_A_DAY = 48
ANSWERS_A_DAY = 24
_COLUMNS = ("topic", "service_id", "cut", "grain", "bucket_start", "data", "changed_at")
_LONG_AFTER_MS = 2**62


class Row(NamedTuple):
    """One row of the aggregates of a service."""

    topic: str
    cut: str
    grain: str
    start_ms: int
    data: str


def pattern(yardstick: Yardstick, days: Iterable[date], spans: Sequence[Span], random: Random) -> list[Row]:
    """Draw the facts of a service and return those rows that ingest makes of them which the spans are made of."""
    batches = {topic: Batch(quarters_from_ms=_LONG_AFTER_MS) for topic in (JOURNEYS.name, FEEDBACK.name)}
    for day in days:
        for topic, shares in _facts(yardstick, day, random):
            batches[topic].change((), shares)
    return [
        Row(topic, cell.cut, cell.grain, cell.bucket_start_ms, encode(measures))
        for topic, batch in batches.items()
        for cell, measures in batch.cells().items()
        if _lies_in(cell, spans)
    ]


def _lies_in(cell: Cell, spans: Sequence[Span]) -> bool:
    """Months are made of days."""
    return any(one.from_ms <= cell.bucket_start_ms < one.to_ms and cell.cut in one.cuts for one in spans)


def _facts(yardstick: Yardstick, day: date, random: Random) -> Iterator[tuple[str, tuple[Share, ...]]]:
    """Yield topic and shares of each fact of a day."""
    service, context = yardstick.service, context_of(defined(yardstick.document, yardstick.body, 1))
    for events in journeys_of(service, day, JOURNEYS_A_DAY, random):
        state = fold(events)
        assert state is not None, "a journey begins with its start"
        end = settle(state, now_ms=_LONG_AFTER_MS, limit_ms=context.silence_limit_ms)
        yield JOURNEYS.name, of_journey(state, end, context)
    for answer, comment in answers_of(service, day, ANSWERS_A_DAY, random):
        yield FEEDBACK.name, of_answer(answer, context, comment)


async def copy(connection: asyncpg.Connection, service: str, rows: Sequence[Row]) -> None:
    """Store the rows as those of a service, by COPY."""
    changed_at = from_ms(max(one.start_ms for one in rows))
    records = [(one.topic, service, one.cut, one.grain, from_ms(one.start_ms), one.data, changed_at) for one in rows]
    await connection.copy_records_to_table("aggregate", schema_name="evaluation", columns=_COLUMNS, records=records)


async def copy_of(connection: asyncpg.Connection, service: str, other: str, spans: Sequence[Span]) -> None:
    """Give another service those rows of a service that lie in the spans."""
    for span in spans:
        await connection.execute(
            f"INSERT INTO evaluation.aggregate ({', '.join(_COLUMNS)})"
            " SELECT topic, $2, cut, grain, bucket_start, data, changed_at FROM evaluation.aggregate"
            " WHERE service_id = $1 AND grain = $3 AND bucket_start >= $4 AND bucket_start < $5 AND cut = ANY($6)"
            " ON CONFLICT DO NOTHING",
            *(service, other, span.grain, from_ms(span.from_ms), from_ms(span.to_ms), sorted(span.cuts)),
        )
