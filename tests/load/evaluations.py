"""A whole evaluation of every service of an estate over a year of daily buckets, in seconds of one core.

Everything that an evaluation on demand does: all cuts, findings, themes, targets, a benchmark, the record, and storing
it. CPU time of the engine's process and of PostgreSQL's are told apart; neither depends on who else uses the machine
as much as a clock on the wall does. The reference reads the same rows and does nothing with them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import psutil

from civiloop_shared.postgres.engine import create_pool
from evaluation_engine.adapters.gathering import PostgresGatherStore
from evaluation_engine.bootstrap.memory import collect_seldom
from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.domain.buckets import Period
from evaluation_engine.domain.instants import ms_of
from evaluation_engine.ports.measures import Span
from evaluation_engine.service.catalogue.applying import Order
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.evaluate.compute import Question
from evaluation_engine.service.evaluate.noticing import shop
from evaluation_engine.service.evaluate.yardstick import Yardstick
from evaluation_engine.service.gathering import MakeMonths
from tests.load import estate, years
from tests.load.report import Figure, Ratio
from tests.support.engine import Engine
from tests.support.platform import Infra

BOUND_S = 60.0
"""What a full evaluation of 200 services may take of one core."""

YEAR = Period(date(2025, 1, 1), date(2026, 1, 1), estate.ZONE)
_PAST = timedelta(weeks=26)
_NOW = datetime(2026, 2, 1, tzinfo=UTC)
_PATTERNS = 5
_SEED = 20261129


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of the engine's process and of PostgreSQL's."""

    engine: float
    database: float

    @property
    def total(self) -> float:
        """Of both."""
        return self.engine + self.database


def measure(infra: Infra, *, services: int) -> tuple[list[Ratio], list[Figure]]:
    """Evaluate every service once."""
    engine = Engine(infra, infra.new_database(migrated=True), "load.")
    try:
        rows, months_made, reading, whole = asyncio.run(_measure(engine, services))
    finally:
        infra.drop_database(engine.database.name)
    bound = BOUND_S * services / estate.SERVICES
    name = f"full evaluation of {services} services over a year"
    return [
        Ratio(f"{name} / its bound", [whole.total], [bound], "s of one core", at_most=1.0),
        Ratio(f"{name} / reading the same rows alone", [whole.total], [reading.total], "s of one core"),
    ], [
        Figure(f"{name}, engine", whole.engine, "s of one core"),
        Figure(f"{name}, PostgreSQL", whole.database, "s of one core"),
        Figure("rows of aggregates read for it", rows / 1_000_000, "million"),
        Figure("making a month of a service", 1_000 * months_made.total, "ms of one core"),
    ]


async def _measure(engine: Engine, services: int) -> tuple[int, Cost, Cost, Cost]:
    collect_seldom()  # as the process that evaluates does
    text = estate.catalogue(services, rich=True)
    await engine.watermark(_NOW)
    admin = await asyncpg.connect(engine.database.admin)
    try:
        async with engine.opened(_NOW) as desks:
            await desks.catalogue.apply(Order(estate.BODY, (SourceFile("estate.yaml", text),)), by="load")
            await desks.yardsticks.refresh()
            found = [await desks.yardsticks.of(estate.BODY, estate.name_of(n)) for n in range(services)]
            assert all(len(one.definitions) == estate.KPIS for one in found), "thirty KPIs in use each"
            months_made = await fill(engine, admin, found)
            await desks.scorecards.evaluate(estate.BODY, found[0].service, "2024")  # libraries are loaded by it
            before = await _spent(admin)
            rows = await _read(desks, found)
            between = await _spent(admin)
            for yardstick in found:
                await desks.scorecards.evaluate(estate.BODY, yardstick.service, "2025")
            after = await _spent(admin)
    finally:
        await admin.close()
    return rows, months_made, _between(before, between), _between(between, after)


async def fill(engine: Engine, admin: asyncpg.Connection, found: Sequence[Yardstick]) -> Cost:
    """Store a year, and the half year before it, of every service; return what it costs to make one month of one."""
    first = YEAR.start - _PAST
    days = [first + timedelta(days=n) for n in range((YEAR.end - first).days)]
    drawn, copies = found[:_PATTERNS], found[_PATTERNS:]
    for number, yardstick in enumerate(drawn):
        rows = years.pattern(yardstick, days, spans_of(yardstick), Random(_SEED + number))
        await years.copy(admin, yardstick.service, rows)
    pool = await create_pool(engine.database.evaluation)
    before = await _spent(admin)
    await MakeMonths(PostgresGatherStore(pool), lambda: ms_of(_NOW)).run()
    cost = _between(before, await _spent(admin))
    await pool.close()
    for number, yardstick in enumerate(copies):
        await years.copy_of(admin, drawn[number % len(drawn)].service, yardstick.service, spans_of(yardstick))
    await admin.execute("VACUUM ANALYZE evaluation.aggregate")
    months = len(days) / 30.4 * len(drawn)
    return Cost(cost.engine / months, cost.database / months)


def spans_of(yardstick: Yardstick) -> list[Span]:
    """Return what the evaluation of a service reads."""
    question = Question(yardstick, YEAR, all_cuts=True)
    shopping = question.shopping()
    shop(shopping, question)
    return shopping.spans()


async def _read(desks: Desks, found: Sequence[Yardstick]) -> int:
    reader = desks.scorecards.evaluating.reader
    return sum([len(part) for one in found for part in await reader.read(one.service, spans_of(one))])


async def _spent(admin: asyncpg.Connection) -> Cost:
    """CPU time so far: of this process, and of the backends that serve its database."""
    pids = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    times = [psutil.Process(row["pid"]).cpu_times() for row in pids]
    return Cost(time.process_time(), sum(one.user + one.system for one in times))


def _between(before: Cost, after: Cost) -> Cost:
    return Cost(after.engine - before.engine, after.database - before.database)
