"""One open transaction on one partition."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import orjson

from evaluation_engine.adapters.sink import answers, journeys, letters, periods, senders
from evaluation_engine.adapters.sink.instants import from_ms
from evaluation_engine.domain.contribution.context import FactContext
from evaluation_engine.errors import FencedError
from evaluation_engine.ports.facts import AnswerFact, JourneyFact, PeriodFact
from evaluation_engine.ports.sink import DeadLetter, Position, Progress, Receipt, Sender
from evaluation_engine.service.ingest.services import context_from

if TYPE_CHECKING:
    from civiloop_shared.postgres.engine import AsyncpgConnection

WINDOW_DAYS = 14

# set_config saves a round trip: compiling the statements of a batch takes longer than running them.
_FENCE = """
UPDATE evaluation.sink_position
SET next_offset = $5, attempts = 0,
    last_record_at = greatest(last_record_at, $6), caught_up_at = greatest(caught_up_at, $7)
WHERE topic = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4 AND stopped IS NULL
RETURNING set_config('jit', 'off', true)
"""

_REMEMBER = """
INSERT INTO evaluation.seen_event (event_key, payload_hash, first_seen)
SELECT key, hash, $3 FROM unnest($1::bytea[], $2::bigint[]) AS u (key, hash)
ON CONFLICT DO NOTHING RETURNING event_key
"""

_SEEN_BEFORE = """
SELECT event_key, payload_hash FROM evaluation.seen_event
WHERE event_key = ANY($1::bytea[]) AND first_seen >= $2 AND first_seen < $3 ORDER BY first_seen DESC
"""

_SEEN_TODAY = "SELECT event_key, payload_hash FROM evaluation.seen_event WHERE event_key = ANY($1) AND first_seen = $2"

_FORGET = "DELETE FROM evaluation.seen_event WHERE event_key = ANY($1) AND first_seen = $2"

_PUT_CHANGES = """
INSERT INTO evaluation.change (topic, partition, service_id, data)
SELECT $1, $2, service, data FROM unnest($3::text[], $4::json[]) AS u (service, data)
"""

_COUNT = """
INSERT INTO evaluation.ledger AS l (topic, partition, outcome, n)
SELECT $1, $2, outcome, n FROM unnest($3::text[], $4::bigint[]) AS u (outcome, n)
ON CONFLICT (topic, partition, outcome) DO UPDATE SET n = l.n + excluded.n
"""


class PostgresSinkTransaction:
    """Implements ``SinkTransaction``."""

    def __init__(self, connection: AsyncpgConnection) -> None:
        self._connection = connection

    async def fence(self, position: Position, progress: Progress) -> None:
        """Take the partition's row lock and move its position."""
        row = await self._connection.fetchrow(
            _FENCE,
            position.topic,
            position.partition,
            position.epoch,
            position.next_offset,
            progress.next_offset,
            None if progress.last_record_at_ms is None else from_ms(progress.last_record_at_ms),
            None if progress.caught_up_at_ms is None else from_ms(progress.caught_up_at_ms),
        )
        if row is None:
            raise FencedError(f"{position.topic}/{position.partition}")

    async def remember(self, ids: Mapping[bytes, int], today: date) -> dict[bytes, int]:
        """Store ids with their payload hashes; return those that were known before, with the hash that stands."""
        if not ids:
            return {}
        keys = sorted(ids)
        rows = await self._connection.fetch(_REMEMBER, keys, [ids[key] for key in keys], today)
        since = today - timedelta(days=WINDOW_DAYS)
        earlier = await self._connection.fetch(_SEEN_BEFORE, keys, since, today)
        known: dict[bytes, int] = {}
        if len(rows) < len(keys):
            new = {row[0] for row in rows}
            known.update(await self._connection.fetch(_SEEN_TODAY, [key for key in keys if key not in new], today))
        if earlier:
            known.update(earlier)
            await self._connection.execute(_FORGET, sorted({row[0] for row in earlier}), today)
        return known

    async def journeys(self, keys: Collection[bytes]) -> dict[bytes, JourneyFact]:
        """Return the journeys that are stored."""
        return await journeys.read(self._connection, keys)

    async def silent_journeys(self, partition: int, before_ms: int, limit: int) -> list[JourneyFact]:
        """Return open journeys whose silence is due, oldest first."""
        return await journeys.read_silent(self._connection, partition, before_ms, limit)

    async def put_journeys(self, facts: Collection[JourneyFact]) -> None:
        """Store journeys, each as a whole."""
        await journeys.write(self._connection, facts)

    async def answers(self, keys: Collection[bytes]) -> dict[bytes, AnswerFact]:
        """Return the answers that are stored."""
        return await answers.read(self._connection, keys)

    async def put_answers(self, facts: Collection[AnswerFact]) -> None:
        """Store answers, each as a whole."""
        await answers.write(self._connection, facts)

    async def periods(self, keys: Collection[bytes]) -> dict[bytes, PeriodFact]:
        """Return the measurements over periods that are stored."""
        return await periods.read(self._connection, keys)

    async def put_periods(self, facts: Collection[PeriodFact]) -> None:
        """Store measurements over periods."""
        await periods.write(self._connection, facts)

    async def contexts(self, ids: Collection[int]) -> dict[int, FactContext]:
        """Return contexts by their ids."""
        rows = await self._connection.fetch(
            "SELECT id, context::text FROM evaluation.fact_context WHERE id = ANY($1::bigint[])", list(ids)
        )
        return {row["id"]: context_from(orjson.loads(row["context"])) for row in rows}

    async def put_changes(self, topic: str, partition: int, changes: Mapping[str, str]) -> None:
        """Write down what the batch changes."""
        if changes:
            await self._connection.execute(_PUT_CHANGES, topic, partition, list(changes), list(changes.values()))

    async def put_letters(self, topic: str, partition: int, aside: Sequence[DeadLetter]) -> None:
        """Set records aside."""
        await letters.write(self._connection, topic, partition, aside)

    async def erase_letters(self, topic: str, feedback_keys: Collection[bytes]) -> None:
        """Forget the content of dead letters of erased answers, which take over the letters' days of receipt."""
        await letters.erase(self._connection, topic, feedback_keys)

    async def put_senders(self, topic: str, partition: int, receipts: Mapping[Sender, Receipt]) -> None:
        """Add to what came from whom."""
        if receipts:
            await senders.add(self._connection, topic, partition, receipts)

    async def count(self, topic: str, partition: int, outcomes: Mapping[str, int]) -> None:
        """Add to the ledger."""
        counted = sorted((name, n) for name, n in outcomes.items() if n)
        if counted:
            await self._connection.execute(
                _COUNT, topic, partition, [name for name, _ in counted], [n for _, n in counted]
            )
