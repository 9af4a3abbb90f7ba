"""Live statuses beside a backlog: the time they take, and how long anybody waits. Time goes on by what is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest

from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.errors import UnavailableError
from evaluation_engine.domain.comments.book import ThemeBook
from evaluation_engine.ports.catalogue import CatalogueStore, StoredCatalogue
from evaluation_engine.ports.evaluations import EvaluationStore
from evaluation_engine.ports.measures import ChangedDays, Row, Span
from evaluation_engine.service.catalogue.documents import ServiceDocument, to_json
from evaluation_engine.service.evaluate.books import Yardsticks
from evaluation_engine.service.evaluate.evaluating import Evaluating
from evaluation_engine.service.evaluate.live import LiveStatus
from evaluation_engine.service.evaluate.record import read
from evaluation_engine.service.evaluate.scheduling import Scheduler
from evaluation_engine.service.evaluate.trends import Trends
from evaluation_engine.service.evaluate.watching import Watcher
from evaluation_engine.service.evaluate.yardstick import Yardstick
from evaluation_engine.service.problems.burning import Burning

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
POLL_S = 0.3


@dataclass
class World:
    """Aggregates, catalogue and statuses of services; a reading takes ``cost_s``, a look ``look_s``."""

    services: int
    cost_s: float = 0.1
    look_s: float = 0.0
    behind: bool = False
    now: float = 0.0
    busy: bool = False
    counted: dict[str, int] = field(default_factory=dict)
    shown: dict[str, list[float]] = field(default_factory=dict)
    looks: dict[str, list[float]] = field(default_factory=dict)
    broken: bool = False
    unreadable: bool = False
    version: int = 1
    zone: str = "UTC"
    records: dict[str, EvaluationRecorded] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [f"s{number}" for number in range(self.services)]

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.now)

    async def read(self, service: str, spans: Sequence[Span]) -> list[list[Row]]:
        self.now += self.cost_s
        if self.unreadable:
            self.unreadable = False
            raise UnavailableError("away", dependency="postgresql")
        return [[] for _ in spans]

    async def complete_until(self) -> datetime | None:
        return self.clock() - timedelta(seconds=60 if self.behind else 1)

    async def generations(self) -> Mapping[str, int]:
        if self.broken:
            raise UnavailableError("away", dependency="postgresql")
        return {name: int(self.now * 1000) for name in self.names} if self.busy else dict(self.counted)

    async def changed_days(self, service: str) -> ChangedDays:
        self.now += self.look_s
        self.looks.setdefault(service, []).append(self.now)
        return ChangedDays((), self.clock())

    async def hold(self, services: Collection[str]) -> frozenset[str]:
        return frozenset(services)

    async def release(self) -> None: ...

    async def bodies(self) -> Mapping[str, int]:
        return {"local": self.version}

    async def load(self, body: str) -> StoredCatalogue:
        documents = [
            ServiceDocument.model_validate({"kind": "service", "id": name, "title": {"en": name}, "zone": self.zone})
            for name in self.names
        ]
        return StoredCatalogue(self.version, {("service", one.id): to_json(one) for one in documents})

    async def stamp(self, service: str, cycle: str) -> str:
        return "0 0"

    async def last(self, service: str, cycle: str, limit: int) -> list[Any]:
        return []

    async def closed_periods(self, service: str, cycle: str) -> list[Any]:
        return []

    async def at(self, service: str, cycle: str, periods: Collection[Any]) -> list[Any]:
        return []

    async def known(self, service: str, cycle: str) -> list[Any]:
        return []

    async def put_live(self, service: str, record: bytes, computed_at: datetime) -> None:
        self.shown.setdefault(service, []).append(self.now)
        self.records[service] = read(record)

    def on_live(self, yardstick: Yardstick, record: EvaluationRecorded, seconds: float) -> None: ...

    def on_evaluated(self, yardstick: Yardstick, stored: Any, seconds: float) -> None: ...

    def on_held(self, services: frozenset[str]) -> None: ...

    def watcher(self) -> Watcher:
        store = cast("EvaluationStore", self)
        evaluating = Evaluating(self, store, self.clock, ThemeBook(1, "", {}, {}))
        return Watcher(
            yardsticks=Yardsticks(cast("CatalogueStore", self)),
            election=self,
            reader=self,
            live=LiveStatus(evaluating, store, Trends(self)),
            scheduler=Scheduler(evaluating, self, store),
            burning=cast("Burning", None),
            observer=self,
            clock=self.clock,
            poll_s=POLL_S,
            ticks=lambda: self.now,
        )

    async def run(self, step: Callable[[], Awaitable[float]], *, until: float) -> float:
        """Take a step again and again; return the share of the time that was not rest."""
        began, rested = self.now, 0.0
        while self.now < until:
            rest_s = await step()
            rested += rest_s
            self.now += rest_s
        return 1 - rested / (self.now - began)

    def waits(self, since: float) -> list[float]:
        """How long each service waited between two statuses, at most."""
        return [
            max(after - before for before, after in zip([since, *times], times, strict=False))
            for times in ([at for at in self.shown[name] if at >= since] for name in self.names)
        ]


async def settled(world: World) -> Watcher:
    """A watcher all of whose services are up to date."""
    watcher, behind, world.behind = world.watcher(), world.behind, False
    await world.run(watcher.live_round, until=world.services * world.cost_s + 1)
    assert world.shown.keys() == set(world.names)
    world.behind = behind
    return watcher


async def test_beside_a_backlog_live_statuses_take_a_seventh_of_the_time_and_each_has_its_turn() -> None:
    world = World(services=20, cost_s=0.2, busy=True, behind=True)
    watcher = await settled(world)
    since = world.now
    share = await world.run(watcher.live_round, until=since + 60)
    assert 0.1 < share < 0.16
    waits = world.waits(since)
    assert max(waits) < 30, "twenty services of a fifth of a second each take four, in a seventh of the time"
    assert min(len(times) for times in world.shown.values()) >= 3


async def test_a_change_beside_a_backlog_shows_at_once_where_few_services_change() -> None:
    world = World(services=10, cost_s=0.05, behind=True)
    watcher = await settled(world)
    for number in range(5):
        world.counted[f"s{number}"] = 1
        since = world.now
        rest_s = await watcher.live_round()
        assert world.shown[f"s{number}"][-1] - since == pytest.approx(world.cost_s)
        assert rest_s == POLL_S
        world.now += rest_s + 0.01


async def test_who_waits_for_half_a_minute_is_brought_up_to_date_even_if_that_takes_more() -> None:
    world = World(services=20, cost_s=1.0, busy=True, behind=True)
    watcher = await settled(world)
    since = world.now
    share = await world.run(watcher.live_round, until=since + 160)
    assert max(world.waits(since)) < 30 + 20, "half a minute, and as long as all of them take"
    assert 0.2 < share < 0.9


async def test_what_is_merely_old_does_not_wait_for_ever_beside_a_backlog() -> None:
    world = World(services=20, cost_s=0.5, behind=True)
    watcher = await settled(world)
    since = world.now
    quiet = "s19"

    async def step() -> float:
        world.counted |= {name: int(world.now * 1000) for name in world.names if name != quiet}
        return await watcher.live_round()

    await world.run(step, until=since + 200)
    assert 1 <= len([at for at in world.shown[quiet] if at >= since]) <= 3
    assert world.waits(since)[19] < 150


async def test_while_the_stream_is_not_behind_the_evaluator_does_not_rest_before_all_changes_are_shown() -> None:
    world = World(services=20)
    watcher = await settled(world)
    world.counted = dict.fromkeys(world.names, 1)
    since, rested = world.now, 0.0
    while min(times[-1] for times in world.shown.values()) < since:
        rested += await watcher.live_round()
    assert world.now - since == pytest.approx(20 * world.cost_s)
    assert rested <= POLL_S


async def test_a_rest_ends_when_the_stream_is_no_longer_behind() -> None:
    world = World(services=5, behind=True)
    watcher = await settled(world)
    world.counted = dict.fromkeys(world.names, 1)
    await watcher.live_round()
    waiting = [name for name, times in world.shown.items() if len(times) == 1]
    assert await watcher.live_round() == POLL_S
    assert waiting == [name for name, times in world.shown.items() if len(times) == 1], "it rests"
    world.behind = False
    await watcher.live_round()
    assert all(len(times) == 2 for times in world.shown.values())


async def test_a_round_ends_after_a_second_so_that_the_next_sees_what_changed_meanwhile() -> None:
    world = World(services=20)
    watcher = await settled(world)
    world.counted = dict.fromkeys(world.names, 1)
    began = world.now
    assert await watcher.live_round() == 0.0
    assert world.now - began <= 1.0 + 2 * world.cost_s


async def test_without_the_database_a_round_fails_and_the_next_goes_on() -> None:
    world = World(services=3)
    watcher = await settled(world)
    world.counted, world.broken = {"s1": 1}, True
    with pytest.raises(UnavailableError):
        await watcher.live_round()
    world.broken, since = False, world.now
    await watcher.live_round()
    assert [name for name, times in world.shown.items() if times[-1] > since] == ["s1"]


async def test_a_round_that_fails_leaves_nothing_behind_that_goes_on_beside_the_next() -> None:
    world = World(services=20)
    watcher = await settled(world)
    world.counted, world.unreadable, since = dict.fromkeys(world.names, 1), True, world.now
    with pytest.raises(UnavailableError):
        await watcher.live_round()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
    shown = [name for name, times in world.shown.items() if times[-1] > since]
    assert len(shown) <= 1, "what was under way at the same time"


async def both_rounds(watcher: Watcher) -> float:
    await watcher.live_round()
    return await watcher.schedule_round()


async def test_looks_that_find_nothing_due_take_a_tenth_of_the_time() -> None:
    world = World(services=10, cost_s=0.0, look_s=0.1, busy=True)
    watcher = await settled(world)
    since = world.now
    share = await world.run(partial(both_rounds, watcher), until=since + 100)
    assert share == pytest.approx(0.1, abs=0.02)
    assert min(len(times) for times in world.looks.values()) >= 10


async def test_one_service_that_changes_is_looked_at_every_second() -> None:
    world = World(services=1, cost_s=0.0, look_s=0.01, busy=True)
    watcher = await settled(world)
    since = world.now
    await world.run(partial(both_rounds, watcher), until=since + 10)
    assert len(world.looks["s0"]) >= 9


async def test_after_midnight_a_status_is_about_other_days_and_after_an_edit_about_another_catalogue() -> None:
    world = World(services=1, busy=True)
    watcher = await settled(world)
    assert world.records["s0"].period.end == datetime(2026, 11, 30, tzinfo=UTC)
    world.now += 12 * 3600
    await watcher.live_round()
    assert world.records["s0"].period.end == datetime(2026, 12, 1, tzinfo=UTC)
    world.version, world.zone = 2, "Asia/Tokyo"
    world.now += 1
    await watcher.live_round()
    assert (world.records["s0"].catalogue_version, world.records["s0"].period.zone) == (2, "Asia/Tokyo")
