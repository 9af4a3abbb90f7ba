"""Feedback in PostgreSQL, written in groups: row, receipt, outbox row and claim in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from civiloop_shared.contracts.envelope import HEADERS
from civiloop_shared.contracts.topics import FEEDBACK
from civiloop_shared.postgres.outbox import pack_headers
from feedback_api.adapters.group_commit import GroupCommit
from feedback_api.adapters.write_connection import WriteConnection
from feedback_api.ports import Claim, Fate, NewFeedback, Remembered

if TYPE_CHECKING:
    from asyncpg import Connection

# Sorted by key, so that two replicas that write the same keys wait for each other and never deadlock.
_INSERT = """
WITH stored AS (
    INSERT INTO feedback.feedback
        (key, receipt, body, service, channel, content_hash, received_at, occurred_at, data, contact, quarantined)
    SELECT key, receipt, body, service, channel, content_hash, received_at, occurred_at, data::jsonb, contact,
           quarantined
    FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[],
                $8::timestamptz[], $9::text[], $10::bytea[], $11::boolean[])
        AS new (key, receipt, body, service, channel, content_hash, received_at, occurred_at, data, contact,
                quarantined)
    ON CONFLICT (key) DO NOTHING
    RETURNING key
), queued AS (
    INSERT INTO feedback.outbox (topic, key, value, headers)
    SELECT $13, convert_to(encode(key, 'hex'), 'UTF8'), event, $14::jsonb
    FROM unnest($1::bytea[], $12::bytea[]) AS new (key, event)
    JOIN stored USING (key)
)
SELECT key FROM stored
"""
_LOOK_UP = "SELECT key, content_hash, erased_at IS NOT NULL FROM feedback.feedback WHERE key = ANY($1::bytea[])"
_CLAIM = """
INSERT INTO feedback.idempotency (body, key_id, client_key, request_hash)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
ON CONFLICT DO NOTHING
RETURNING body, key_id, client_key
"""
_REMEMBERED = """
SELECT body, key_id, client_key, request_hash, answer
FROM feedback.idempotency JOIN unnest($1::text[], $2::text[], $3::text[]) AS asked (body, key_id, client_key)
    USING (body, key_id, client_key)
"""
_ANSWER = """
UPDATE feedback.idempotency AS claim SET answer = given.answer
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) AS given (body, key_id, client_key, answer)
WHERE (claim.body, claim.key_id, claim.client_key) = (given.body, given.key_id, given.client_key)
"""
_DROP_UNANSWERED = """
DELETE FROM feedback.idempotency AS claim
USING unnest($1::text[], $2::text[], $3::text[]) AS given (body, key_id, client_key)
WHERE (claim.body, claim.key_id, claim.client_key) = (given.body, given.key_id, given.client_key)
"""
_HEADERS = pack_headers(HEADERS)

ClaimName = tuple[str, str, str]
Outcome = Sequence[Fate] | Remembered


@dataclass(frozen=True, slots=True)
class _Job:
    rows: Sequence[NewFeedback]
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """What lies under a key now; ``fresh`` while nobody was told yet that it is new."""

    content_hash: int | None
    erased: bool


class PostgresFeedbackStore:
    """Commits what comes at the same time together, on a connection of its own."""

    def __init__(
        self, connection: WriteConnection, observe: Callable[[int, float], None] = lambda _weight, _seconds: None
    ) -> None:
        self._connection = connection
        self._group: GroupCommit[_Job, Outcome] = GroupCommit(self._commit, observe=observe)

    async def start(self) -> None:
        """Begin to commit."""
        await self._group.start()

    async def stop(self) -> None:
        """Commit what waits, then end."""
        await self._group.stop()
        await self._connection.close()

    async def append(self, rows: Sequence[NewFeedback], claim: Claim | None) -> Outcome:
        """See ``FeedbackStore``."""
        if not rows and claim is None:
            return ()
        return await self._group.run(_Job(rows, claim), max(1, len(rows)))

    async def _commit(self, jobs: Sequence[_Job]) -> Sequence[Outcome]:
        claims = {_name(job.claim): job.claim for job in jobs if job.claim is not None}
        async with self._connection.use() as connection:
            if not claims:
                return await self._write(connection, jobs)
            async with connection.transaction():
                return await self._write_claimed(connection, jobs, claims)

    async def _write_claimed(
        self, connection: Connection[Any], jobs: Sequence[_Job], claims: Mapping[ClaimName, Claim]
    ) -> Sequence[Outcome]:
        remembered = await _claim(connection, claims)
        live = [job for job in jobs if job.claim is None or _name(job.claim) not in remembered]
        fates = iter(await self._write(connection, live))
        outcomes: list[Outcome] = []
        answers: dict[ClaimName, bytes | None] = {}
        for job in jobs:
            name = None if job.claim is None else _name(job.claim)
            known = None if name is None else remembered.get(name)
            outcome: Outcome = known if known is not None else next(fates)
            outcomes.append(outcome)
            if job.claim is not None and name is not None and not isinstance(outcome, Remembered):
                answers[name] = job.claim.answer(outcome)
        await _remember(connection, answers)
        return outcomes

    async def _write(self, connection: Connection[Any], jobs: Sequence[_Job]) -> list[Sequence[Fate]]:
        rows: dict[bytes, NewFeedback] = {}
        for job in jobs:
            for row in job.rows:
                rows.setdefault(row.key, row)
        if not rows:
            return [() for _ in jobs]
        ordered = [rows[key] for key in sorted(rows)]
        fresh = {record[0] for record in await connection.fetch(_INSERT, *_columns(ordered), FEEDBACK.name, _HEADERS)}
        stored = {key: _Stored(rows[key].content_hash, erased=False) for key in fresh}
        if len(fresh) < len(rows):
            found = await connection.fetch(_LOOK_UP, [key for key in rows if key not in fresh])
            stored.update((key, _Stored(content_hash, erased)) for key, content_hash, erased in found)
        return [[_fate(row, fresh, stored) for row in job.rows] for job in jobs]


def _fate(row: NewFeedback, fresh: set[bytes], stored: Mapping[bytes, _Stored]) -> Fate:
    """Return what became of a row. The first of those with a fresh key is new, and the key is fresh no more."""
    if row.key in fresh:
        fresh.remove(row.key)
        return Fate.NEW
    known = stored[row.key]
    if known.erased:
        return Fate.ERASED
    return Fate.KNOWN if known.content_hash == row.content_hash else Fate.ID_REUSED


def _columns(rows: Sequence[NewFeedback]) -> Iterable[list[Any]]:
    return (
        [row.key for row in rows],
        [row.receipt for row in rows],
        [row.body for row in rows],
        [row.service for row in rows],
        [row.channel for row in rows],
        [row.content_hash for row in rows],
        [row.received_at for row in rows],
        [row.occurred_at for row in rows],
        [row.data for row in rows],
        [row.contact for row in rows],
        [row.quarantined for row in rows],
        [row.event for row in rows],
    )


def _name(claim: Claim) -> ClaimName:
    return claim.body, claim.key_id, claim.client_key


async def _claim(connection: Connection[Any], claims: Mapping[ClaimName, Claim]) -> dict[ClaimName, Remembered]:
    """Make claims ours; return those that were answered before. Waits for another replica that is at the same one.

    A claim that is past its time may be let go between the two looks: then it is made anew.
    """
    remembered: dict[ClaimName, Remembered] = {}
    names = sorted(claims)
    while names:
        hashes = [claims[name].request_hash for name in names]
        made = {tuple(record) for record in await connection.fetch(_CLAIM, *zip(*names, strict=True), hashes)}
        taken = [name for name in names if name not in made]
        if not taken:
            break
        for body, key_id, client_key, *rest in await connection.fetch(_REMEMBERED, *zip(*taken, strict=True)):
            remembered[body, key_id, client_key] = Remembered(*rest)
        names = [name for name in taken if name not in remembered]
    return remembered


async def _remember(connection: Connection[Any], answers: Mapping[ClaimName, bytes | None]) -> None:
    given = [(*name, answer) for name, answer in answers.items() if answer is not None]
    if given:
        await connection.execute(_ANSWER, *zip(*given, strict=True))
    dropped = [name for name, answer in answers.items() if answer is None]
    if dropped:
        await connection.execute(_DROP_UNANSWERED, *zip(*dropped, strict=True))
