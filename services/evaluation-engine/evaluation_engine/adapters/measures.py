"""Aggregates in PostgreSQL, as the evaluator reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.postgres.engine import ConnectionOptions, acquire, connect
from civiloop_shared.postgres.errors import translate_errors
from evaluation_engine.domain.buckets import Calendar, Period, calendar
from evaluation_engine.domain.closed_days import MERGED
from evaluation_engine.domain.instants import instant
from evaluation_engine.ports.measures import ChangedDay, ChangedDays, Row, Span

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_TOPICS = [topic.name for topic in INGESTED]
_LOCK_CLASS = 0x6576616C  # "eval"

_READ = """
    SELECT cut, (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, string_agg(data::text, ',') AS data
      FROM evaluation.aggregate
     WHERE topic = ANY($1) AND service_id = $2 AND cut = ANY($3) AND grain = $4
       AND bucket_start >= $5 AND bucket_start < $6
     GROUP BY cut, bucket_start
"""
_READ_MINUTES = """
    SELECT cut, (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, string_agg(data::text, ',') AS data
      FROM evaluation.minute
     WHERE topic = ANY($1) AND service_id = $2 AND cut = ANY($3) AND bucket_start >= $4 AND bucket_start < $5
     GROUP BY cut, bucket_start
"""
_BUILT = f"""
    SELECT topic, (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms FROM evaluation.aggregate
     WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'month' AND partition = {MERGED}
       AND bucket_start >= $3 AND bucket_start < $4
"""  # noqa: S608 - our words
_READ_MONTHS = f"""
    SELECT cut, (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, string_agg(data::text, ',') AS data
      FROM evaluation.aggregate
     WHERE topic = ANY($1) AND service_id = $2 AND cut = ANY($3) AND grain = 'month' AND partition = {MERGED}
       AND bucket_start >= $4 AND bucket_start < $5
     GROUP BY cut, bucket_start
"""  # noqa: S608
_READ_DAYS_APART = f"""
    SELECT cut, (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, string_agg(data::text, ',') AS data
      FROM (
        SELECT cut, bucket_start, data FROM evaluation.aggregate
         WHERE topic = ANY($1) AND service_id = $2 AND cut = ANY($3) AND grain = 'day' AND partition > {MERGED}
           AND bucket_start >= $4 AND bucket_start < $5
        UNION ALL
        SELECT a.cut, a.bucket_start, a.data
          FROM unnest($6::text[], $7::timestamptz[], $8::timestamptz[]) AS u (topic, since, until)
          JOIN evaluation.aggregate a ON a.topic = u.topic AND a.service_id = $2 AND a.cut = ANY($3)
           AND a.grain = 'day' AND a.partition = {MERGED} AND a.bucket_start >= u.since AND a.bucket_start < u.until
      ) AS days
     GROUP BY cut, bucket_start
"""  # noqa: S608
_ZONE = "SELECT definition ->> 'zone' FROM evaluation.service WHERE id = $1"
_CHANGED = """
    SELECT (extract(epoch FROM bucket_start) * 1000)::bigint AS start_ms, max(changed_at) AS changed_at
      FROM evaluation.aggregate
     WHERE topic = ANY($1) AND service_id = $2 AND cut = '' AND grain = 'day' GROUP BY bucket_start
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
            return [await _read(connection, service, span) for span in spans]

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
        """Return the sum of the change counters of each service."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT service_id, sum(generation)::bigint AS generation FROM evaluation.aggregate_touch GROUP BY 1"
            )
        return {row["service_id"]: row["generation"] for row in rows}

    async def changed_days(self, service: str) -> ChangedDays:
        """Return which days have aggregates and when they changed."""
        async with (
            acquire(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            read_at = await connection.fetchval("SELECT clock_timestamp()")
            rows = await connection.fetch(_CHANGED, _TOPICS, service)
        return ChangedDays(tuple(ChangedDay(row["start_ms"], row["changed_at"]) for row in rows), read_at)


async def _read(connection: AsyncpgConnection, service: str, span: Span) -> list[Row]:
    buckets = (instant(span.from_ms), instant(span.to_ms))
    wanted = (_TOPICS, service, sorted(span.cuts))
    match span.grain:
        case "minute":
            return _rows(await connection.fetch(_READ_MINUTES, *wanted, *buckets))
        case "month":
            months = _rows(await connection.fetch(_READ_MONTHS, *wanted, *buckets))
            return months + await _days_apart(connection, service, span)
        case _:
            return _rows(await connection.fetch(_READ, *wanted, span.grain, *buckets))


async def _days_apart(connection: AsyncpgConnection, service: str, span: Span) -> list[Row]:
    """Read the days that no made month holds: those of months that are open, and what came late."""
    local = calendar(await connection.fetchval(_ZONE, service) or "UTC")
    buckets = (instant(span.from_ms), instant(span.to_ms))
    made: dict[str, list[int]] = {topic: [] for topic in _TOPICS}
    for topic, start_ms in await connection.fetch(_BUILT, _TOPICS, service, *buckets):
        made[topic].append(start_ms)
    gaps = [(topic, *map(instant, gap)) for topic, starts in made.items() for gap in _gaps(span, starts, local)]
    columns = [[gap[n] for gap in gaps] for n in range(3)]
    rows = await connection.fetch(_READ_DAYS_APART, _TOPICS, service, sorted(span.cuts), *buckets, *columns)
    return [Row(cut, local.month_start(day_ms), data, of_day=True) for cut, day_ms, data in rows]


def _gaps(span: Span, months: Iterable[int], local: Calendar) -> Iterator[tuple[int, int]]:
    """Yield what months leave of a span."""
    at = span.from_ms
    for start_ms in sorted(months):
        if at < start_ms:
            yield at, start_ms
        at = Period.month_of(local.date_of(start_ms), local.zone).end_ms
    if at < span.to_ms:
        yield at, span.to_ms


def _rows(records: Iterable[Record]) -> list[Row]:
    return [Row(*record) for record in records]


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
