"""Dead letters as rows."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.ports.sink import DeadLetter, Headers

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

_WRITE = """
INSERT INTO evaluation.dead_letter (
    topic, partition, "offset", outcome, reason, detail, body_id, service_id, received_day, key, value, headers
)
SELECT $1, $2, * FROM unnest(
    $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::date[], $10::bytea[], $11::bytea[],
    $12::json[]
)
"""

_ERASE = """
WITH gone AS (
    UPDATE evaluation.dead_letter SET value = NULL, headers = '[]', erased_at = now()
    WHERE topic = $1 AND key = ANY($2::bytea[]) AND erased_at IS NULL
    RETURNING key, received_day
)
UPDATE evaluation.answer a SET received_day = gone.received_day
FROM gone WHERE a.feedback_key = decode(encode(gone.key, 'escape'), 'hex') AND a.received_day IS NULL
"""

_LONGEST_DETAIL = 1_000


async def write(connection: AsyncpgConnection, topic: str, partition: int, letters: Sequence[DeadLetter]) -> None:
    """Set records aside."""
    if letters:
        columns = zip(*map(_row, letters), strict=True)
        await connection.execute(_WRITE, topic, partition, *map(list, columns))


async def erase(connection: AsyncpgConnection, topic: str, feedback_keys: Collection[bytes]) -> None:
    """Forget what dead letters of these answers hold."""
    await connection.execute(_ERASE, topic, sorted(key.hex().encode() for key in feedback_keys))


def headers_document(headers: Headers) -> str:
    """Return headers as JSON, their values in base64."""
    return orjson.dumps([[name, base64.b64encode(value or b"").decode()] for name, value in headers]).decode()


def headers_from(document: str) -> list[tuple[str, bytes]]:
    """Return the headers of a document."""
    return [(name, base64.b64decode(value)) for name, value in orjson.loads(document)]


def _row(letter: DeadLetter) -> tuple[Any, ...]:
    record = letter.record
    return (
        record.offset,
        letter.outcome,
        letter.reason,
        letter.detail.replace("\x00", "")[:_LONGEST_DETAIL],
        letter.body,
        letter.service,
        letter.received_day,
        record.key,
        record.value,
        headers_document(record.headers),
    )
