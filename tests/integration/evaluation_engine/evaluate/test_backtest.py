"""A benchmark replayed over the past says what the evaluations said, and what another one would have said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from evaluation_engine.bootstrap.serve import Desks
from evaluation_engine.errors import CatalogueRefusedError, UnknownBenchmarkError
from evaluation_engine.service.evaluate.backtest import Backtest, Replay
from evaluation_engine.service.evaluate.record import read
from tests.integration.evaluation_engine.evaluate.test_evaluations import NOW, TARGETS
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Engine

BENCHMARK = TARGETS.rpartition("---")[2]
MONTHS = {4: 80, 5: 69, 6: 68, 7: 67, 8: 72, 9: 76, 10: 77}
"""The worked example of the design: ok, pending, firing (for: 1), firing, firing in the dead band, then ok."""


async def history(engine: Engine) -> None:
    for month, good in MONTHS.items():
        await engine.count({"rating.5": good * 2, "rating.1": 200 - good * 2}, date(2026, month, 10))
    await engine.watermark(NOW)


async def replayed(desks: Desks, document: str | None = None) -> Backtest:
    return await desks.backtests.run("local", "parking", Replay("rebuild", "2026-04-01", "2026-11-01", document))


@pytest.mark.requirement("E5.3.4")
async def test_a_replay_of_the_benchmark_in_force_equals_the_stored_evaluations(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, SERVICE, TARGETS)
        await history(engine)
        yardstick = await desks.yardsticks.of("local", "parking")
        stored = [read(one.record) for one in (await desks.scheduler.look(yardstick)).created]
        played = await replayed(desks)
    wanted = [one.benchmarks[0].model_dump() for one in stored]
    assert [one.result.model_dump() for one in played.periods] == wanted[: len(MONTHS)]
    states = [one.result.clauses[0].state for one in played.periods]
    assert states == ["ok", "pending", "firing", "firing", "firing", "ok", "ok"]
    ((first, after),) = played.firing()
    assert first.period.start == date(2026, 6, 1)
    assert after is not None
    assert after.period.start == date(2026, 9, 1)


@pytest.mark.requirement("E5.3.4")
async def test_a_changed_benchmark_is_tried_and_not_stored(engine: Engine) -> None:
    stricter = BENCHMARK.replace("breach_below: 70, clear_when: 75", "breach_below: 73, clear_when: 78")
    async with engine.opened(NOW) as desks:
        await apply(desks, SERVICE, TARGETS)
        await history(engine)
        before = (await desks.catalogue.store.load("local")).documents
        played = await replayed(desks, stricter.replace("for: 1", "for: 0"))
        assert (await desks.catalogue.store.load("local")).documents == before
    assert played.changed
    ((first, after),) = played.firing()
    assert (first.period.start, after) == (date(2026, 5, 1), None)


async def test_what_can_not_be_replayed_is_refused_with_the_reason(engine: Engine) -> None:
    async with engine.opened(NOW) as desks:
        await apply(desks, SERVICE, TARGETS)
        with pytest.raises(UnknownBenchmarkError):
            await desks.backtests.run("local", "parking", Replay("other", "2026-04-01", "2026-11-01"))
        with pytest.raises(CatalogueRefusedError):
            await replayed(desks, BENCHMARK.replace("kpi: csat", "kpi: unheard-of"))
        with pytest.raises(CatalogueRefusedError):
            await replayed(desks, "kind: goal\nid: fast\nservice: parking\noutcome: citizen\nstatement: {en: Fast}\n")


async def test_the_answer_shows_clause_by_clause_how_far_the_limit_was(engine: Engine) -> None:
    asked: dict[str, Any] = {"benchmark": "rebuild", "from": "2026-04-01", "to": "2026-11-01"}
    async with engine.running() as client:
        await client.apply(SERVICE, TARGETS)
        await history(engine)
        answer = await client.call("POST", "/v1/services/parking/redesign/backtest", asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        short = await client.call("POST", "/v1/services/parking/redesign/backtest", {**asked, "to": "2026-04-20"})
    june = found["periods"][2]
    assert june["clauses"][0] | {"explanation": ""} == {
        **june["clauses"][0],
        "explanation": "",
        "held": True,
        "margin": -2.0,
        "side": "below",
        "threshold": 70.0,
        "clear": 75.0,
    }
    assert [one["from"]["start"] for one in found["fired"]] == ["2026-05-31T21:00:00Z"]
    assert short.status_code == 422
    assert "no whole period" in short.text
