"""Evaluations and live status in PostgreSQL; each new revision leaves for its topic in the same transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.contracts.envelope import HEADERS, Envelope, encode
from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.postgres.engine import acquire, transaction
from civiloop_shared.postgres.outbox import append
from evaluation_engine.adapters.findings import put_findings
from evaluation_engine.adapters.release_ledger import published_before, put_editions
from evaluation_engine.adapters.webhooks import enqueue
from evaluation_engine.domain.webhook import WebhookEvent
from evaluation_engine.ports.evaluations import Draft, Known, Memory, Stored

if TYPE_CHECKING:
    from asyncpg import Pool, Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

SOURCE = "urn:civiloop:evaluation-engine"
_LARGEST_MESSAGE = 700_000
_ASKED_FOR = frozenset({"cuts", "published", "withheld"})
"""What a webhook leaves out: whoever needs it finds it by number and revision."""
_COLUMNS = "number, revision, record::text AS record, created_at"


_TOUCH = (
    "INSERT INTO evaluation.aggregate_touch AS t VALUES ($1, 'evaluation', 0, 1)"
    " ON CONFLICT (service_id, topic, partition) DO UPDATE SET generation = t.generation + 1"
)
"""The live status shows what the newest evaluation left of targets and benchmarks, so it is computed anew."""


class PostgresEvaluationStore:
    """Implements ``EvaluationStore``. Numbers of a service are given under a lock of the transaction."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def put(self, draft: Draft) -> Stored:
        """Store a new number or revision with its message; nothing when the inputs are the same."""
        slot = draft.slot
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('evaluation'), hashtext($1))", slot.service)
            old = await connection.fetchrow(
                f"SELECT {_COLUMNS}, digest FROM evaluation.evaluation"  # noqa: S608 - a constant
                " WHERE service_id = $1 AND cycle = $2 AND period_start = $3 AND period_end = $4 AND newest",
                *(slot.service, slot.cycle, slot.start, slot.end),
            )
            if old is not None and old["digest"] == draft.digest:
                await self._checked(connection, draft, old)
                return _stored(old, created=False)
            number = old["number"] if old else await self._next_number(connection, slot.service)
            revision = old["revision"] + 1 if old else 1
            replaced = old["record"].encode() if old else None
            history = await published_before(connection, slot.service, draft.figures)
            finished = await asyncio.to_thread(draft.finish, number, revision, replaced, history)
            record = finished.record
            stored_at = await self._insert(connection, draft, number, revision, record)
            await put_editions(connection, slot.service, finished.editions)
            await put_findings(connection, slot.service, number, draft.findings)
            await self._announce(connection, draft, number, revision, record, stored_at)
            await connection.execute(_TOUCH, slot.service)
        return Stored(number, revision, record, created=True, stored_at=stored_at)

    async def known(self, service: str, cycle: str) -> list[Known]:
        """Return the newest revision of each period of a cycle, earliest period first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT period_start, period_end, number, revision, digest, checked_at, created_at,"
                " memory_before::text, memory_after::text FROM evaluation.evaluation"
                " WHERE service_id = $1 AND cycle = $2 AND newest ORDER BY period_start",
                *(service, cycle),
            )
        return [
            Known(
                start=row["period_start"],
                end=row["period_end"],
                number=row["number"],
                revision=row["revision"],
                digest=row["digest"],
                checked_at=row["checked_at"],
                stored_at=row["created_at"],
                memory_before=orjson.loads(row["memory_before"]),
                memory_after=orjson.loads(row["memory_after"]),
            )
            for row in rows
        ]

    async def latest_memory(self, service: str, cycle: str, before: datetime) -> Memory:
        """Return the state of the rules after the last evaluation of a cycle that ended by then; empty without one."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT memory_after::text FROM evaluation.evaluation WHERE service_id = $1 AND cycle = $2 AND newest"
                " AND period_end <= $3 ORDER BY period_start DESC LIMIT 1",
                *(service, cycle, before),
            )
        memory: Memory = orjson.loads(found) if found else {}
        return memory

    async def newest_of(self, service: str, start: datetime, end: datetime) -> Stored | None:
        """Return the newest closed evaluation of exactly this period."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM evaluation.evaluation"  # noqa: S608 - a constant
                " WHERE service_id = $1 AND period_start = $2 AND period_end = $3 AND newest AND closed"
                " ORDER BY created_at DESC LIMIT 1",
                *(service, start, end),
            )
        return _stored(row) if row else None

    async def newest(self, service: str, cycle: str) -> Stored | None:
        """Return the newest revision of the latest period of a cycle."""
        found = await self.latest(service, cycle, limit=1)
        return found[0] if found else None

    async def latest(self, service: str, cycle: str, *, limit: int) -> Sequence[Stored]:
        """Return the newest revision of each of the latest periods of a cycle, latest period first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM evaluation.evaluation"  # noqa: S608 - a constant
                " WHERE service_id = $1 AND cycle = $2 AND newest ORDER BY period_start DESC LIMIT $3",
                *(service, cycle, limit),
            )
        return [_stored(row) for row in rows]

    async def list(self, service: str, *, limit: int, before: int | None, all_revisions: bool) -> list[Stored]:
        """Return evaluations by number, newest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM evaluation.evaluation"  # noqa: S608 - a constant
                " WHERE service_id = $1 AND ($2::int IS NULL OR number < $2) AND (newest OR $3)"
                " ORDER BY number DESC, revision DESC LIMIT $4",
                *(service, before, all_revisions, limit),
            )
        return [_stored(row) for row in rows]

    async def put_live(self, service: str, record: bytes, computed_at: datetime) -> None:
        """Store the live status, unless a newer one is there."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO evaluation.live_status AS old VALUES ($1, $2, $3) ON CONFLICT (service_id) DO UPDATE"
                " SET record = excluded.record, computed_at = excluded.computed_at"
                " WHERE old.computed_at <= excluded.computed_at",
                *(service, record.decode(), computed_at),
            )

    async def live(self, service: str) -> tuple[bytes, datetime] | None:
        """Return the live status."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT record::text, computed_at FROM evaluation.live_status WHERE service_id = $1", service
            )
        return (row["record"].encode(), row["computed_at"]) if row else None

    async def newest_times(self) -> Mapping[str, datetime]:
        """Return when each service was evaluated last."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT service_id, max(created_at) AS at FROM evaluation.evaluation GROUP BY 1"
            )
        return {row["service_id"]: row["at"] for row in rows}

    async def _next_number(self, connection: AsyncpgConnection, service: str) -> int:
        number: int = await connection.fetchval(
            "SELECT coalesce(max(number), 0) + 1 FROM evaluation.evaluation WHERE service_id = $1", service
        )
        return number

    async def _checked(self, connection: AsyncpgConnection, draft: Draft, old: Record) -> None:
        await connection.execute(
            "UPDATE evaluation.evaluation SET checked_at = $4 WHERE service_id = $1 AND number = $2 AND revision = $3",
            *(draft.slot.service, old["number"], old["revision"], draft.read_at),
        )

    async def _insert(
        self, connection: AsyncpgConnection, draft: Draft, number: int, revision: int, record: bytes
    ) -> datetime:
        slot = draft.slot
        await connection.execute(
            "UPDATE evaluation.evaluation SET newest = false WHERE service_id = $1 AND number = $2 AND newest",
            *(slot.service, number),
        )
        created_at: datetime = await connection.fetchval(
            "INSERT INTO evaluation.evaluation (service_id, number, revision, cycle, period_start, period_end, newest,"
            " closed, as_of, digest, memory_before, memory_after, record, checked_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, $10, $11, $12, $13) RETURNING created_at",
            *(slot.service, number, revision, slot.cycle, slot.start, slot.end),
            *(draft.closed, draft.as_of, draft.digest, _json(draft.memory_before), _json(draft.memory_after)),
            *(record.decode(), draft.read_at),
        )
        return created_at

    async def _announce(
        self, connection: AsyncpgConnection, draft: Draft, number: int, revision: int, record: bytes, at: datetime
    ) -> None:
        moment = at.isoformat().replace("+00:00", "Z")
        data = orjson.loads(record)
        if len(record) > _LARGEST_MESSAGE:
            for part in (data, data["published"] or {}):
                part["cuts"] = []  # Kafka takes no larger one; whoever needs the cuts finds them by number and revision
        event = Envelope(
            id=f"{draft.slot.service}/{number}/{revision}",
            source=SOURCE,
            type=EvaluationRecorded.TYPE,
            time=moment,
            bodyid=draft.slot.body,
            recordedtime=moment,
            data=data,
        )
        row = (EvaluationRecorded.TOPIC.name, draft.slot.service.encode(), encode(event), HEADERS)
        await append(connection, [row], schema="evaluation")
        await enqueue(
            connection,
            WebhookEvent.EVALUATION_RECORDED,
            body=draft.slot.body,
            service=draft.slot.service,
            subject=event.id,
            at=at,
            data={name: value for name, value in data.items() if name not in _ASKED_FOR},
        )


def _stored(row: Record, *, created: bool = True) -> Stored:
    return Stored(row["number"], row["revision"], row["record"].encode(), created, row["created_at"])


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
