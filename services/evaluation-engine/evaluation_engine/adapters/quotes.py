"""Comments out of the stored answers, and what refers to them: releases of quotes, names of phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.sink.instants import from_ms
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.comments.quotes import Candidate
from evaluation_engine.ports.comments import Act, NamedBy, Release

if TYPE_CHECKING:
    from asyncpg import Pool

_NEWEST = """
      FROM evaluation.answer
     WHERE service_id = $1 AND state = 'counted' AND occurred_at >= $2 AND occurred_at < $3
       AND json_typeof(content -> 'record') = 'object'
     ORDER BY occurred_at DESC, feedback_key LIMIT $4
"""
_RECORDS = f"SELECT (content -> 'record')::text AS record {_NEWEST}"
_CANDIDATES = f"""
    SELECT encode(feedback_key, 'hex') AS key, content ->> 'comment' AS text, (content -> 'record')::text AS record,
           (content -> 'answer' ->> 'rating')::int AS rating {_NEWEST}
"""

_NAMES = """
    SELECT p.phrase_id, a.content -> 'record' -> 'phrases' ->> u.key AS name
      FROM unnest($2::text[], $3::text[]) AS u (id, key)
      JOIN evaluation.phrase_name p ON p.service_id = $1 AND p.phrase_id = u.id
      JOIN evaluation.answer a ON a.feedback_key = p.feedback_key AND a.service_id = $1 AND a.state = 'counted'
"""
_NAME = """
    INSERT INTO evaluation.phrase_name (service_id, phrase_id, feedback_key)
    SELECT $1, id, decode(answer, 'hex') FROM unnest($2::text[], $3::text[]) AS u (id, answer) ORDER BY id
    ON CONFLICT (service_id, phrase_id) DO UPDATE SET feedback_key = excluded.feedback_key, named_at = now()
"""

_RELEASES = """
    SELECT encode(q.feedback_key, 'hex') AS key, q.theme, a.content ->> 'comment' AS text,
           a.content -> 'record' ->> 'language' AS language, q.released_by, r.definition ->> 'label' AS released_label,
           q.released_at, q.reason, q.withdrawn_by, w.definition ->> 'label' AS withdrawn_label, q.withdrawn_at,
           q.withdrawn_because
      FROM evaluation.quote_release q
      LEFT JOIN evaluation.answer a ON a.feedback_key = q.feedback_key AND a.state = 'counted'
      LEFT JOIN evaluation.api_key r ON r.id = q.released_by
      LEFT JOIN evaluation.api_key w ON w.id = q.withdrawn_by
     WHERE q.service_id = $1 ORDER BY q.id DESC LIMIT $2
"""
# An erasure of the answer that comes at the same time waits for the lock, and then finds the release.
_RELEASE = """
    WITH answer AS (
        SELECT feedback_key FROM evaluation.answer
         WHERE feedback_key = decode($2, 'hex') AND service_id = $1 AND state = 'counted' FOR SHARE
    ), added AS (
        INSERT INTO evaluation.quote_release (service_id, feedback_key, theme, released_by, released_at, reason)
        SELECT $1, feedback_key, $3, $4, $5, $6 FROM answer
        ON CONFLICT (feedback_key) WHERE withdrawn_at IS NULL DO NOTHING
    )
    SELECT count(*) FROM answer
"""
_WITHDRAW = """
    UPDATE evaluation.quote_release SET withdrawn_by = $3, withdrawn_at = $4, withdrawn_because = $5
     WHERE service_id = $1 AND feedback_key = decode($2, 'hex') AND withdrawn_at IS NULL
"""


class PostgresQuoteSource:
    """Implements ``QuoteSource``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def candidates(self, service: str, since_ms: int, until_ms: int, most: int) -> list[Candidate]:
        """Return the newest comments of answers in `[since_ms, until_ms)` that have a record, `most` at most."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_CANDIDATES, service, from_ms(since_ms), from_ms(until_ms), most)
        return [Candidate(row["key"], row["text"], _record(row["record"]), row["rating"]) for row in rows]

    async def records(self, service: str, since_ms: int, until_ms: int, most: int) -> list[CommentRecord]:
        """Return the records alone."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_RECORDS, service, from_ms(since_ms), from_ms(until_ms), most)
        return [_record(row["record"]) for row in rows]


class PostgresPhraseNames:
    """Implements ``PhraseNames``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def keep(self, service: str, phrases: Sequence[NamedBy]) -> dict[str, str]:
        """Return the names that stand, after naming those without one."""
        wanted = ([one.phrase for one in phrases], [one.key for one in phrases])
        async with transaction(self._pool) as connection:
            names = {row[0]: row[1] for row in await connection.fetch(_NAMES, service, *wanted) if row[1]}
            new = [one for one in phrases if one.phrase not in names]
            if new:
                await connection.execute(_NAME, service, [one.phrase for one in new], [one.answer for one in new])
                names = {row[0]: row[1] for row in await connection.fetch(_NAMES, service, *wanted) if row[1]}
        return names


class PostgresQuoteReleases:
    """Implements ``QuoteReleases``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def of_service(self, service: str, most: int) -> list[Release]:
        """Return releases, newest first."""
        async with acquire(self._pool) as connection:
            return [Release(*row) for row in await connection.fetch(_RELEASES, service, most)]

    async def release(self, service: str, key: str, theme: str, act: Act) -> bool:
        """Release an answer that is there."""
        async with acquire(self._pool) as connection:
            return bool(await connection.fetchval(_RELEASE, service, key, theme, act.by, act.at, act.reason))

    async def withdraw(self, service: str, key: str, act: Act) -> bool:
        """Withdraw a release."""
        async with acquire(self._pool) as connection:
            done: str = await connection.execute(_WITHDRAW, service, key, act.by, act.at, act.reason)
        return not done.endswith(" 0")


def _record(text: str) -> CommentRecord:
    return CommentRecord.of_json(orjson.loads(text))
