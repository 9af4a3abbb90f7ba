"""What was published of each service, in PostgreSQL: read and written in the transaction that stores an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures, History
from evaluation_engine.domain.disclosure.ledger import Published

if TYPE_CHECKING:
    from asyncpg import Record

    from civiloop_shared.postgres.engine import AsyncpgConnection

_WANTED = """
    WITH wanted AS (
        SELECT * FROM unnest($2::text[], $3::text[], $4::date[], $5::date[])
            AS wanted(kpi, counts, period_start, period_end)
    )
"""
_EDITIONS = f"""{_WANTED}, found AS (
        SELECT l.id FROM wanted w JOIN evaluation.release_ledger l USING (kpi, period_start, period_end)
         WHERE l.service_id = $1
        UNION
        SELECT l.id FROM wanted w JOIN evaluation.release_ledger l USING (counts, period_start, period_end)
         WHERE l.service_id = $1
    )
    SELECT kpi, dimension, period_start, period_end, number, revision, cells::text, results::text, counts
      FROM found JOIN evaluation.release_ledger USING (id) ORDER BY id
"""  # noqa: S608 - a constant
_TOUCHED = f"""{_WANTED}
    SELECT w.kpi,
           EXISTS (
              SELECT FROM evaluation.release_ledger l
               WHERE l.service_id = $1 AND l.kpi = w.kpi AND l.dimension = '' AND l.period_end > w.period_start
                 AND l.period_start < w.period_end AND (l.period_start, l.period_end) <> (w.period_start, w.period_end)
           ) OR EXISTS (
              SELECT FROM evaluation.release_ledger l
               WHERE l.service_id = $1 AND l.counts = w.counts AND l.dimension <> '' AND l.period_end > w.period_start
                 AND l.period_start < w.period_end AND (l.period_start, l.period_end) <> (w.period_start, w.period_end)
           ) AS touched,
           EXISTS (
              SELECT FROM evaluation.release_ledger l
               WHERE l.service_id = $1 AND l.counts = w.counts AND l.dimension = '' AND l.period_end > w.period_start
                 AND l.period_start < w.period_end
                 AND (l.kpi, l.period_start, l.period_end) <> (w.kpi, w.period_start, w.period_end)
           ) AS compared
      FROM wanted w
"""  # noqa: S608 - a constant
_TOTALS = """
    SELECT kpi, counts, period_start, period_end, n, (cells->''->>1)::bigint AS score FROM evaluation.release_ledger
     WHERE service_id = $1 AND counts = ANY($2) AND dimension = '' ORDER BY id
"""
_PUT = """
    INSERT INTO evaluation.release_ledger
        (service_id, kpi, dimension, period_start, period_end, number, revision, n, cells, results, counts)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::int[], $7::int[], $8::bigint[],
        $9::json[], $10::json[], $11::text[])
"""


async def published_before(connection: AsyncpgConnection, service: str, figures: Iterable[Figures]) -> History:
    """Return what was published of these periods, and of others where they share days, up to this transaction.

    KPIs that count the same people are looked up with each other.
    """
    by_kpi = {one.kpi: one for one in figures}
    if not by_kpi:
        return History()
    wanted = [(one.kpi, one.subject, one.start, one.end) for one in by_kpi.values()]
    columns = [list(column) for column in zip(*wanted, strict=True)]
    editions: dict[tuple[str, str], tuple[Edition, ...]] = {}
    for row in await connection.fetch(_EDITIONS, service, *columns):
        name = (row["kpi"], row["dimension"])
        editions[name] = (*editions.get(name, ()), _edition(row))
    near = await connection.fetch(_TOUCHED, service, *columns)
    compared = sorted({by_kpi[row["kpi"]].subject for row in near if row["compared"]})
    totals: dict[str, tuple[Published, ...]] = {}
    for row in await connection.fetch(_TOTALS, service, compared) if compared else ():
        for one in _told(row, by_kpi.get(row["kpi"])):
            totals[one.kpi] = (*totals.get(one.kpi, ()), one)
    return History(editions, totals, frozenset(row["kpi"] for row in near if row["touched"]))


def _told(row: Record, figures: Figures | None) -> Iterator[Published]:
    """Whom a total tells of: those who are counted, and those of them who answered."""
    days = (row["period_start"], row["period_end"])
    yield Published("", row["counts"], "", *days, row["n"])
    if figures is not None and figures.answered:
        yield Published("", figures.answerers, "", *days, row["score"] or 0)


async def put_editions(connection: AsyncpgConnection, service: str, editions: Iterable[Edition]) -> None:
    """Remember what is published now."""
    rows = [_row(one) for one in editions]
    if rows:
        await connection.execute(_PUT, service, *(list(column) for column in zip(*rows, strict=True)))


def _row(one: Edition) -> tuple[Any, ...]:
    cells = orjson.dumps({cut: tuple(count) for cut, count in one.cells.items()}).decode()
    people = sum(count.n for count in one.cells.values())
    results = orjson.dumps(one.results).decode()
    return one.kpi, one.dimension, one.start, one.end, one.number, one.revision, people, cells, results, one.counts


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
        counts=row["counts"],
    )
