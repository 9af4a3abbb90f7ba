"""Comments out of the stored answers, for quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.postgres.engine import acquire
from evaluation_engine.adapters.sink.instants import from_ms
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.quotes import Candidate

if TYPE_CHECKING:
    from asyncpg import Pool

_READ = """
    SELECT encode(feedback_key, 'hex') AS key, content ->> 'comment' AS text, (content -> 'record')::text AS record
      FROM evaluation.answer
     WHERE service_id = $1 AND state = 'counted' AND occurred_at >= $2 AND occurred_at < $3
       AND json_typeof(content -> 'record') = 'object'
     ORDER BY occurred_at DESC, feedback_key LIMIT $4
"""


class PostgresQuoteSource:
    """Implements ``QuoteSource``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def candidates(self, service: str, since_ms: int, until_ms: int, most: int) -> list[Candidate]:
        """Return the newest comments of answers in `[since_ms, until_ms)` that have a record, `most` at most."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_READ, service, from_ms(since_ms), from_ms(until_ms), most)
        return [Candidate(row["key"], row["text"], CommentRecord.of_json(orjson.loads(row["record"]))) for row in rows]
