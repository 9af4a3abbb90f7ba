"""Answers as rows; what a person said as one JSON document that an erasure takes away."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.adapters.sink.instants import stamp
from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.domain.contribution.answers import Answer
from evaluation_engine.domain.questions import AnswerValue
from evaluation_engine.ports.facts import AnswerContent, AnswerFact

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

COLUMNS = """
feedback_key, partition, body_id, service_id, state, first_outcome, erasures, received_day, payload_hash, context_id,
content::text
"""

_READ = f"SELECT {COLUMNS} FROM evaluation.answer WHERE feedback_key = ANY($1::bytea[])"  # noqa: S608

_WRITE = f"""
INSERT INTO evaluation.answer (
    feedback_key, partition, body_id, service_id, state, first_outcome, erasures, received_day, payload_hash,
    context_id, content, occurred_at, changed_at
)
SELECT key, part, body, service, state, outcome, erasures, day, hash, context, content, {stamp("occurred")},
    clock_timestamp()
FROM unnest(
    $1::bytea[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::date[], $9::bigint[],
    $10::bigint[], $11::json[], $12::bigint[]
) AS u (key, part, body, service, state, outcome, erasures, day, hash, context, content, occurred)
ON CONFLICT (feedback_key) DO UPDATE SET
    state = excluded.state, first_outcome = excluded.first_outcome, erasures = excluded.erasures,
    received_day = excluded.received_day, payload_hash = excluded.payload_hash, context_id = excluded.context_id,
    content = excluded.content, occurred_at = excluded.occurred_at, changed_at = excluded.changed_at
"""  # noqa: S608

# The words went with the answer. What people wrote about the quote may repeat them, so it goes too; who and when stays.
_TAKE_BACK = """
UPDATE evaluation.quote_release
SET reason = NULL, withdrawn_because = NULL, withdrawn_at = coalesce(withdrawn_at, clock_timestamp())
WHERE feedback_key = ANY($1::bytea[])
"""


async def read(connection: AsyncpgConnection, keys: Collection[bytes]) -> dict[bytes, AnswerFact]:
    """Return the answers that are stored."""
    rows = await connection.fetch(_READ, sorted(keys)) if keys else []
    return {row[0]: fact_of(row) for row in rows}


async def write(connection: AsyncpgConnection, facts: Collection[AnswerFact]) -> None:
    """Store answers, each as a whole, in the order of their keys."""
    if not facts:
        return
    ordered = sorted(facts, key=lambda fact: fact.key)
    await connection.execute(_WRITE, *map(list, zip(*map(_row, ordered), strict=True)))
    erased = [fact.key for fact in ordered if fact.state == "erased"]
    if erased:
        await connection.execute(_TAKE_BACK, erased)


def fact_of(row: Record) -> AnswerFact:
    """Return the fact in a row of `COLUMNS`."""
    return AnswerFact(
        key=row["feedback_key"],
        partition=row["partition"],
        body=row["body_id"],
        service=row["service_id"],
        state=row["state"],
        first_outcome=row["first_outcome"],
        erasures=row["erasures"],
        received_day=row["received_day"],
        payload_hash=row["payload_hash"],
        context_id=row["context_id"],
        content=None if row["content"] is None else _content(orjson.loads(row["content"])),
    )


def _row(fact: AnswerFact) -> tuple[Any, ...]:
    content = fact.content
    return (
        fact.key,
        fact.partition,
        fact.body,
        fact.service,
        fact.state,
        fact.first_outcome,
        fact.erasures,
        fact.received_day,
        fact.payload_hash,
        fact.context_id,
        None if content is None else orjson.dumps(content).decode(),
        None if content is None else content.answer.at_ms,
    )


def _content(document: dict[str, Any]) -> AnswerContent:
    answer = document.pop("answer")
    answer["segments"] = tuple((name, value) for name, value in answer["segments"])
    if answer.get("questions"):
        answer["questions"] = tuple((name, _frozen(value)) for name, value in answer["questions"])
        answer["offered"] = tuple((name, tuple(choices)) for name, choices in answer["offered"])
    else:
        answer.pop("questions", None)
        answer.pop("offered", None)
    record = document.pop("record", None)
    return AnswerContent(answer=Answer(**answer), **document, record=record and CommentRecord.of_json(record))


def _frozen(value: int | str | list[str]) -> AnswerValue:
    return tuple(value) if isinstance(value, list) else value
