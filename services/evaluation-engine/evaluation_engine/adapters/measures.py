"""Aggregates in PostgreSQL, as the evaluator reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.postgres.engine import ConnectionOptions, acquire, connect
from civiloop_shared.postgres.errors import translate_errors
from evaluation_engine.adapters.cells import encode
from evaluation_engine.domain.buckets import Calendar, Period, calendar
from evaluation_engine.domain.contribution.batch import Batch, days_of
from evaluation_engine.domain.instants import instant
from evaluation_engine.ports.measures import ChangedDay, ChangedDays, Row, Span

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

    from civiloop_shared.postgres.engine import AsyncpgConnection

_TOPICS = [topic.name for topic in INGESTED]
_LOCK_CLASS = 0x6576616C  # "eval"

# Row by row: putting those of a bucket together would cost the database more than the reader.
_BUCKET = "cut, (date_part('epoch', bucket_start) * 1000)::bigint, data"
_WANTED = "topic = ANY($1) AND service_id = $2 AND cut = ANY($3)"
_READ = f"""
    SELECT {_BUCKET}, false FROM evaluation.aggregate
     WHERE {_WANTED} AND grain = $4 AND bucket_start >= $5 AND bucket_start < $6
"""  # noqa: S608 - our words
_READ_MINUTES = f"""
    SELECT {_BUCKET}, false FROM evaluation.minute WHERE {_WANTED} AND bucket_start >= $4 AND bucket_start < $5
"""  # noqa: S608
_CHANGES = "SELECT data::text, changed_at FROM evaluation.change WHERE service_id = $2 AND topic = ANY($1)"
_MADE_MONTHS = """
    SELECT coalesce(s.definition ->> 'zone', 'UTC') AS zone, a.topic,
           (extract(epoch FROM a.bucket_start) * 1000)::bigint AS start_ms
      FROM evaluation.service s
      LEFT JOIN evaluation.aggregate a ON a.topic = ANY($1) AND a.service_id = s.id AND a.cut = ''
       AND a.grain = 'month'
     WHERE s.id = $2
"""
_READ_MONTHS = f"""
    SELECT {_BUCKET}, false FROM evaluation.aggregate
     WHERE {_WANTED} AND grain = 'month' AND bucket_start >= $4 AND bucket_start < $5
    UNION ALL
    SELECT {_BUCKET}, true
      FROM unnest($6::text[], $7::timestamptz[], $8::timestamptz[]) AS u (of_topic, since, until)
      JOIN evaluation.aggregate ON topic = of_topic AND service_id = $2 AND cut = ANY($3)
       AND grain = 'day' AND bucket_start >= since AND bucket_start < until
"""  # noqa: S608
_CHANGED = """
    SELECT (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, max(changed_at) AS changed_at
      FROM evaluation.aggregate
     WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'day' GROUP BY bucket_start
"""
# Whoever gathers changes adds their number to a counter.
_GENERATIONS = """
    SELECT service_id, sum(n)::bigint FROM (
        SELECT service_id, generation AS n FROM evaluation.aggregate_touch
        UNION ALL SELECT service_id, count(*) FROM evaluation.change GROUP BY service_id
    ) AS counted GROUP BY service_id
"""
_POSITIONS = """
    SELECT topic, count(*) AS partitions, min(greatest(last_record_at, caught_up_at)) AS until,
           bool_or(last_record_at IS NULL AND caught_up_at IS NULL) AS unknown
      FROM evaluation.sink_position GROUP BY topic
"""


class PostgresMeasureReader:
    """Implements ``MeasureReader``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def read(self, service: str, spans: Sequence[Span]) -> list[list[Row]]:
        """Return the rows of each span from one snapshot."""
        async with (
            acquire(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            made = await _MadeMonths.of(connection, service) if any(one.grain == "month" for one in spans) else None
            rows = [await _read(connection, service, span, made) for span in spans]
            waiting = await connection.fetch(_CHANGES, _TOPICS, service)
        if waiting:
            changes = await asyncio.to_thread(_Changes.of, service, [text for text, _ in waiting])
            for span, found in zip(spans, rows, strict=True):
                found.extend(changes.in_span(span, made))
        return rows

    async def complete_until(self) -> datetime | None:
        """Return the least watermark over all partitions; None while a partition has never been read."""
        async with acquire(self._pool) as connection:
            rows = {row["topic"]: row for row in await connection.fetch(_POSITIONS)}
        least: datetime | None = None
        for topic in INGESTED:
            row = rows.get(topic.name)
            if row is None or row["unknown"] or row["partitions"] < topic.partitions:
                return None
            least = row["until"] if least is None else min(least, row["until"])
        return least

    async def generations(self) -> Mapping[str, int]:
        """Return the sum of the change counters of each service and how many of its changes wait."""
        async with acquire(self._pool) as connection:
            return dict(await connection.fetch(_GENERATIONS))

    async def changed_days(self, service: str) -> ChangedDays:
        """Return which days have aggregates and when they changed."""
        async with (
            acquire(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            read_at = await connection.fetchval("SELECT clock_timestamp()")
            found: dict[int, datetime] = dict(await connection.fetch(_CHANGED, _TOPICS, service))
            changes = await connection.fetch(_CHANGES, _TOPICS, service)
        for day, changed_at in await asyncio.to_thread(_changed_days, changes):
            found[day] = max(found.get(day, changed_at), changed_at)
        return ChangedDays(tuple(ChangedDay(*one) for one in found.items()), read_at)


@dataclass(frozen=True, slots=True)
class _MadeMonths:
    """The months that a service has as rows, by topic."""

    local: Calendar
    starts: Mapping[str, Sequence[int]]

    @staticmethod
    async def of(connection: AsyncpgConnection, service: str) -> _MadeMonths:
        starts: dict[str, list[int]] = {topic: [] for topic in _TOPICS}
        rows = await connection.fetch(_MADE_MONTHS, _TOPICS, service)
        for _, topic, start_ms in rows:
            if topic is not None:
                starts[topic].append(start_ms)
        return _MadeMonths(calendar(rows[0][0] if rows else "UTC"), starts)

    def gaps(self, span: Span) -> list[list[Any]]:
        """Return what months leave of a span, as columns: topics, begins, ends."""
        found = [(topic, *gap) for topic, starts in self.starts.items() for gap in _gaps(span, starts, self.local)]
        return [[one[0] for one in found], [instant(one[1]) for one in found], [instant(one[2]) for one in found]]


@dataclass(frozen=True, slots=True)
class _Changes:
    """What isn't gathered yet: canonical texts by grain and cut, each with the start of its bucket."""

    texts: Mapping[tuple[str, str], Sequence[tuple[int, str]]]

    @staticmethod
    def of(service: str, waiting: Iterable[str]) -> _Changes:
        batch = Batch()
        for text in waiting:
            batch.take(service, text)
        found: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for cell, measures in batch.cells().items():
            found.setdefault((cell.grain, cell.cut), []).append((cell.bucket_start_ms, encode(measures)))
        return _Changes(found)

    def in_span(self, span: Span, made: _MadeMonths | None) -> Iterator[Row]:
        """Yield what is added to a span; what is added to a month comes by its days, made or not."""
        month = made.local.month_start if made and span.grain == "month" else None
        for cut in span.cuts:
            for start_ms, text in self.texts.get(("day" if month else span.grain, cut), ()):
                if span.from_ms <= start_ms < span.to_ms:
                    yield Row(cut, month(start_ms) if month else start_ms, text, of_day=month is not None)


def _changed_days(waiting: Iterable[tuple[str, datetime]]) -> list[tuple[int, datetime]]:
    """Return the days that waiting changes touch, each with when it was changed."""
    return [(day, changed_at) for text, changed_at in waiting for day in days_of(text)]


async def _read(connection: AsyncpgConnection, service: str, span: Span, made: _MadeMonths | None) -> list[Row]:
    buckets = (instant(span.from_ms), instant(span.to_ms))
    wanted = (_TOPICS, service, sorted(span.cuts))
    if span.grain == "minute":
        return [*map(Row._make, await connection.fetch(_READ_MINUTES, *wanted, *buckets))]
    if made is None or span.grain != "month":
        return [*map(Row._make, await connection.fetch(_READ, *wanted, span.grain, *buckets))]
    rows = await connection.fetch(_READ_MONTHS, *wanted, *buckets, *made.gaps(span))
    return [
        Row(cut, made.local.month_start(start_ms) if of_day else start_ms, data, of_day)
        for cut, start_ms, data, of_day in rows
    ]


def _gaps(span: Span, months: Iterable[int], local: Calendar) -> Iterator[tuple[int, int]]:
    """Yield what months leave of a span."""
    at = span.from_ms
    for start_ms in sorted(start_ms for start_ms in months if span.from_ms <= start_ms < span.to_ms):
        if at < start_ms:
            yield at, start_ms
        at = Period.month_of(local.date_of(start_ms), local.zone).end_ms
    if at < span.to_ms:
        yield at, span.to_ms


class PostgresElection:
    """Implements ``Election`` by advisory locks of one session: when its connection dies, so do they."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: Connection[Any] | None = None
        self._held: set[str] = set()

    async def hold(self, services: Collection[str]) -> frozenset[str]:
        """Stand for these services, let go of all others; return those that are held now."""
        if self._connection is None or self._connection.is_closed():
            self._held.clear()
            self._connection = await connect(self._database_url, ConnectionOptions(application="evaluator election"))
        wanted = set(services)
        with translate_errors():
            await self._connection.execute("SELECT 1")
            for gone in self._held - wanted:
                await self._connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, gone)
            self._held &= wanted
            rows = await self._connection.fetch(
                "SELECT service FROM unnest($2::text[]) AS service WHERE pg_try_advisory_lock($1, hashtext(service))",
                *(_LOCK_CLASS, sorted(wanted - self._held)),
            )
        self._held.update(row["service"] for row in rows)
        return frozenset(self._held)

    async def release(self) -> None:
        """Close the session, and let go by it."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            with translate_errors():
                await connection.close(timeout=2.0)
