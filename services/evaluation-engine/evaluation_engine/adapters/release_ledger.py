"""What was published of each service, in PostgreSQL: read and written in the transaction that stores an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History
from evaluation_engine.domain.disclosure.ledger import Published

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_EDITIONS = """
    SELECT l.kpi, l.dimension, l.period_start, l.period_end, l.number, l.revision, l.cells::text, l.results::text
      FROM unnest($2::text[], $3::date[], $4::date[]) AS wanted(kpi, period_start, period_end)
      JOIN evaluation.release_ledger l USING (kpi, period_start, period_end)
     WHERE l.service_id = $1 ORDER BY l.id
"""
_TOUCHED = """
    SELECT wanted.kpi FROM unnest($2::text[], $3::date[], $4::date[]) AS wanted(kpi, period_start, period_end)
     WHERE EXISTS (
        SELECT FROM evaluation.release_ledger l
         WHERE l.service_id = $1 AND l.kpi = wanted.kpi AND l.dimension = '' AND l.period_end > wanted.period_start
           AND l.period_start < wanted.period_end
           AND (l.period_start, l.period_end) <> (wanted.period_start, wanted.period_end))
"""
_TOTALS = """
    SELECT kpi, period_start, period_end, n FROM evaluation.release_ledger
     WHERE service_id = $1 AND kpi = ANY($2) AND dimension = '' ORDER BY id
"""
_PUT = """
    INSERT INTO evaluation.release_ledger
        (service_id, kpi, dimension, period_start, period_end, number, revision, n, cells, results)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::int[], $7::int[], $8::bigint[],
        $9::json[], $10::json[])
"""


async def published_before(connection: AsyncpgConnection, service: str, figures: Iterable[Figures]) -> History:
    """Return what was published of these periods, and of others where they share days, up to this transaction."""
    wanted = [(one.kpi, one.start, one.end) for one in figures]
    if not wanted:
        return History()
    columns = [list(column) for column in zip(*wanted, strict=True)]
    editions: dict[tuple[str, str], tuple[Edition, ...]] = {}
    for row in await connection.fetch(_EDITIONS, service, *columns):
        name = (row["kpi"], row["dimension"])
        editions[name] = (*editions.get(name, ()), _edition(row))
    touched = [row["kpi"] for row in await connection.fetch(_TOUCHED, service, *columns)]
    totals: dict[str, tuple[Published, ...]] = {}
    for row in await connection.fetch(_TOTALS, service, touched) if touched else ():
        one = Published("", row["kpi"], "", row["period_start"], row["period_end"], row["n"])
        totals[one.kpi] = (*totals.get(one.kpi, ()), one)
    return History(editions, totals)


async def put_editions(connection: AsyncpgConnection, service: str, editions: Iterable[Edition]) -> None:
    """Remember what is published now."""
    rows = [_row(one) for one in editions]
    if rows:
        await connection.execute(_PUT, service, *(list(column) for column in zip(*rows, strict=True)))


def _row(one: Edition) -> tuple[Any, ...]:
    cells = orjson.dumps({cut: tuple(count) for cut, count in one.cells.items()}).decode()
    people = sum(count.n for count in one.cells.values())
    results = orjson.dumps(one.results).decode()
    return one.kpi, one.dimension, one.start, one.end, one.number, one.revision, people, cells, results


def _edition(row: Record) -> Edition:
    return Edition(
        kpi=row["kpi"],
        dimension=row["dimension"],
        start=row["period_start"],
        end=row["period_end"],
        number=row["number"],
        revision=row["revision"],
        cells={cut: Count(*count) for cut, count in orjson.loads(row["cells"]).items()},
        results=tuple(orjson.loads(row["results"])),
    )
