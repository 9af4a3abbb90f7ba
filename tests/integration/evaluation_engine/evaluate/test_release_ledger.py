"""What is looked up of earlier publications: by whom a KPI counts, whatever it is called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from evaluation_engine.adapters.release_ledger import published_before, put_editions
from evaluation_engine.domain.disclosure.choice import choose
from evaluation_engine.domain.disclosure.editions import Count, Edition
from evaluation_engine.domain.disclosure.figures import Figures
from tests.support.platform import Database

FEBRUARY = [date(2027, 2, 1) + timedelta(day) for day in range(29)]
WEEKS = FEBRUARY[::7]


@pytest.fixture
async def connection(database_of_its_own: Database) -> AsyncIterator[Any]:
    found = await asyncpg.connect(database_of_its_own.evaluation)
    yield found
    await found.close()


def figures(kpi: str, n: int, start: date, end: date, **overrides: Any) -> Figures:
    one = Figures(kpi, "journeys", start, end, {"": Count(n, n // 2)}, (0, 1), counts="completed")
    return replace(one, **overrides)


async def published(connection: Any, *figures: Figures) -> dict[tuple[str, str], bool]:
    """Publish what may be, as one evaluation; whether the new numbers of each table are shown."""
    history = await published_before(connection, "permits", figures)
    choice = choose(figures, history)
    await put_editions(connection, "permits", list(_editions(figures, choice)))
    return {name: table.new for name, table in choice.items()}


def _editions(figures: Iterable[Figures], choice: Any) -> Iterable[Edition]:
    for one in figures:
        for (kpi, dimension), table in choice.items():
            if kpi == one.kpi and table.new:
                cells = {cut: count._replace(shown=table.shows(cut)) for cut, count in table.cells.items()}
                yield Edition(kpi, dimension, one.start, one.end, 1, 1, cells, counts=one.subject)


async def test_days_of_one_kpi_and_a_month_of_another_that_counts_the_same_are_held_together(connection: Any) -> None:
    for at, day in enumerate(pairwise(FEBRUARY)):
        one = figures("digital-take-up", 4 if at == 13 else 40, *day)
        assert (await published(connection, one))["digital-take-up", ""] is (at != 13)
    month = figures("govuk-digital-take-up", 1084, FEBRUARY[0], FEBRUARY[-1], looks_back=True)
    assert await published(connection, replace(month, counts="others")) == {("govuk-digital-take-up", ""): True}
    month = replace(month, kpi="another")
    assert await published(connection, month) == {("another", ""): False}


async def test_a_kpi_that_is_switched_on_for_a_revision_is_compared_with_its_twin(connection: Any) -> None:
    week = (WEEKS[0], WEEKS[1])
    assert await published(connection, figures("completion-rate", 1000, *week)) == {("completion-rate", ""): True}
    both = (figures("completion-rate", 1003, *week), figures("govuk-completion-rate", 1003, *week))
    assert not any((await published(connection, *both)).values())


async def test_groups_of_a_twin_are_looked_up_too(connection: Any) -> None:
    week = (WEEKS[0], WEEKS[1])
    web, phone = "channel=web", "channel=phone"
    before = {"": Count(140, 70), web: Count(100, 50), phone: Count(40, 20)}
    assert all((await published(connection, figures("one", 140, *week, cells=before))).values())
    now = {"": Count(152, 76), web: Count(110, 55), phone: Count(42, 21)}
    found = await published(connection, figures("two", 152, *week, cells=now))
    assert found == {("two", ""): True, ("two", "channel"): False}


async def test_groups_of_a_kpi_keep_out_groups_of_a_period_that_touches_and_so_do_those_of_a_twin(
    connection: Any,
) -> None:
    cells = {"": Count(140, 70), "channel=web": Count(100, 50), "channel=phone": Count(40, 20)}
    assert all((await published(connection, figures("one", 140, WEEKS[0], WEEKS[1], cells=cells))).values())
    more = {cut: Count(3 * n, 3 * n // 2) for cut, (n, *_) in cells.items()}
    for kpi in ("one", "two"):
        found = await published(connection, figures(kpi, 420, WEEKS[0], WEEKS[3], cells=more))
        assert found == {(kpi, ""): True, (kpi, "channel"): False}


async def test_those_who_answered_are_compared_over_periods(connection: Any) -> None:
    for week, answered, shown in zip(pairwise(WEEKS), (40, 30, 30, 4), (True, True, True, False), strict=True):
        one = figures("response-rate", 300, *week, cells={"": Count(300, answered)}, answered={"": answered})
        assert await published(connection, one) == {("response-rate", ""): shown}
    month = figures("response-rate", 1200, WEEKS[0], WEEKS[4], cells={"": Count(1200, 104)}, answered={"": 104})
    assert await published(connection, month) == {("response-rate", ""): False}
    enough = replace(month, cells={"": Count(1200, 114)}, answered={"": 114})
    assert await published(connection, enough) == {("response-rate", ""): True}
