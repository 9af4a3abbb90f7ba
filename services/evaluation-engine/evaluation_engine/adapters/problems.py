"""Problems in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from civiloop_shared.postgres.engine import acquire, transaction
from evaluation_engine.adapters.webhooks import enqueue
from evaluation_engine.domain.webhook import WebhookEvent
from evaluation_engine.ports.problems import Problem, Remembered, Step

if TYPE_CHECKING:
    from asyncpg import Pool, Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_COLUMNS = (
    "id, service_id, kind, subject, severity, opened_at, closed_at, opened::text AS opened, latest::text AS latest"
)
_NO_LONGER = {"reason": "no longer watched"}


class PostgresProblemStore:
    """Implements ``ProblemStore``."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    async def remembered(self, service: str) -> Mapping[str, Remembered]:
        """Return the state of every alert of a service, by subject."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT subject, tick, memory::text AS memory FROM evaluation.burn_memory WHERE service_id = $1",
                service,
            )
        return {row["subject"]: Remembered(row["tick"], orjson.loads(row["memory"])) for row in rows}

    async def record(self, service: str, body: str, kind: str, steps: Sequence[Step]) -> None:
        """Store states, open and close problems, and tell webhooks, all in one transaction; steps in order of time."""
        async with transaction(self._pool) as connection:
            for step in steps:
                await connection.execute(
                    "INSERT INTO evaluation.burn_memory VALUES ($1, $2, $3, $4) ON CONFLICT (service_id, subject)"
                    " DO UPDATE SET tick = excluded.tick, memory = excluded.memory",
                    *(service, step.subject, step.tick, _json(step.memory)),
                )
                if step.opens:
                    await self._open(connection, service, body, kind, step)
                else:
                    await self._follow(connection, service, body, kind, step)

    async def drop(self, service: str, body: str, kind: str, watched: Collection[str], at: datetime) -> None:
        """Forget alerts that are no longer watched, and close their problems."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "DELETE FROM evaluation.burn_memory WHERE service_id = $1 AND NOT subject = ANY($2)",
                *(service, list(watched)),
            )
            rows = await connection.fetch(
                "UPDATE evaluation.problem"  # noqa: S608 - a constant
                " SET closed_at = greatest($4::timestamptz, opened_at), latest = $5, changed_at = now()"
                " WHERE service_id = $1 AND kind = $2 AND closed_at IS NULL AND NOT subject = ANY($3)"
                f" RETURNING {_COLUMNS}",
                *(service, kind, list(watched), at, _json(_NO_LONGER)),
            )
            for row in rows:
                await self._tell(connection, WebhookEvent.PROBLEM_CLOSED, body, _problem(row), at)

    async def of(self, service: str, *, open_only: bool, before: int | None, limit: int) -> list[Problem]:
        """Return problems, newest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM evaluation.problem"  # noqa: S608 - a constant
                " WHERE service_id = $1 AND ($2::bigint IS NULL OR id < $2) AND (closed_at IS NULL OR NOT $3)"
                " ORDER BY id DESC LIMIT $4",
                *(service, before, open_only, limit),
            )
        return [_problem(row) for row in rows]

    async def _open(self, connection: AsyncpgConnection, service: str, body: str, kind: str, step: Step) -> None:
        row = await connection.fetchrow(
            "INSERT INTO evaluation.problem"  # noqa: S608 - a constant
            " (service_id, body_id, kind, subject, severity, opened_at, opened, latest)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
            f" ON CONFLICT (service_id, kind, subject) WHERE closed_at IS NULL DO NOTHING RETURNING {_COLUMNS}",
            *(service, body, kind, step.subject, step.severity, step.tick, _json(step.details)),
        )
        if row is not None:
            await self._tell(connection, WebhookEvent.PROBLEM_OPENED, body, _problem(row), step.tick)

    async def _follow(self, connection: AsyncpgConnection, service: str, body: str, kind: str, step: Step) -> None:
        row = await connection.fetchrow(
            "UPDATE evaluation.problem"  # noqa: S608 - a constant
            " SET latest = $4, changed_at = now(), closed_at = CASE WHEN $5 THEN $6::timestamptz END"
            f" WHERE service_id = $1 AND kind = $2 AND subject = $3 AND closed_at IS NULL RETURNING {_COLUMNS}",
            *(service, kind, step.subject, _json(step.details), step.closes, step.tick),
        )
        if row is not None and step.closes:
            await self._tell(connection, WebhookEvent.PROBLEM_CLOSED, body, _problem(row), step.tick)

    async def _tell(
        self, connection: AsyncpgConnection, event: WebhookEvent, body: str, problem: Problem, at: datetime
    ) -> None:
        await enqueue(
            connection,
            event,
            body=body,
            service=problem.service,
            subject=str(problem.id),
            at=at,
            data={
                "id": problem.id,
                "service": problem.service,
                "kind": problem.kind,
                "subject": problem.subject,
                "severity": problem.severity,
                "opened_at": problem.opened_at,
                "closed_at": problem.closed_at,
                "latest": problem.latest,
            },
        )


def _problem(row: Record) -> Problem:
    return Problem(
        id=row["id"],
        service=row["service_id"],
        kind=row["kind"],
        subject=row["subject"],
        severity=row["severity"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        opened=orjson.loads(row["opened"]),
        latest=orjson.loads(row["latest"]),
    )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
