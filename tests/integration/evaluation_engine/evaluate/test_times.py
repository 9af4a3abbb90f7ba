"""A cycle of the body's own, and an evaluation as of another day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from civiloop_shared.errors import ValidationError
from evaluation_engine.ports.evaluations import Stored
from evaluation_engine.service.evaluate.record import read
from evaluation_engine.service.evaluate.scorecard import Scorecard
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Engine, days

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
FORTNIGHT = SERVICE.replace(
    "evaluation_cycle: monthly", 'evaluation_times: {cron: "0 6 1,15 * *", holidays: [2026-11-15]}'
)


@pytest.mark.requirement("A4")
async def test_evaluations_are_made_at_the_stated_times_for_the_days_since_the_last(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, FORTNIGHT)
        await engine.count({"rating.5": 10}, *days(date(2026, 10, 1), 54))
        await engine.watermark(datetime(2026, 11, 16, 3, 59, tzinfo=UTC))
        yardstick = await desks.yardsticks.of("local", "parking")
        early = [read(one.record) for one in (await desks.scheduler.look(yardstick)).created]
        await engine.watermark(datetime(2026, 11, 16, 4, 0, tzinfo=UTC))
        late = [read(one.record) for one in (await desks.scheduler.look(yardstick)).created]
        assert not (await desks.scheduler.look(yardstick)).created
    assert [(one.number, one.period.start, one.results[0].n) for one in early] == [
        (1, datetime(2026, 9, 30, 21, tzinfo=UTC), 140),
        (2, datetime(2026, 10, 14, 21, tzinfo=UTC), 170),
    ]
    assert [(one.number, one.period.end, one.results[0].n) for one in late] == [
        (3, datetime(2026, 11, 15, 22, tzinfo=UTC), 150)
    ]


async def test_as_of_a_day_only_what_happened_before_it_counts_and_nothing_is_stored(engine: Engine) -> None:
    async with engine.opened(NOW, settle_s=0) as desks:
        await apply(desks, SERVICE)
        await engine.watermark(NOW)
        await engine.count({"rating.5": 10}, *days(date(2026, 10, 1), 31))
        made = await desks.scorecards.as_of("local", "parking", "2026-10-11", None)
        assert isinstance(made, Scorecard)
        assert (made.record.number, made.record.results[0].n) == (0, 100)
        assert made.record.as_of == datetime(2026, 10, 10, 21, tzinfo=UTC)
        assert not await desks.scorecards.evaluations("local", "parking", limit=9, before=None, all_revisions=True)
        whole = await desks.scorecards.as_of("local", "parking", "2026-11-01T00:00:00+02:00", None)
        assert isinstance(whole, Stored)
        assert (whole.number, read(whole.record).results[0].n) == (1, 310)
        for wrong in ("2026-10-11T10:00:00+03:00", str(NOW.date() + timedelta(days=1)), "soon"):
            with pytest.raises(ValidationError):
                await desks.scorecards.as_of("local", "parking", wrong, None)


async def test_a_cron_that_comes_twice_a_day_is_refused_with_its_line(engine: Engine) -> None:
    text = FORTNIGHT.replace("0 6 1,15 * *", "0 6,18 * * *")
    async with engine.running() as client:
        answer = await client.call("POST", "/v1/catalogue/apply", {"files": [{"path": "s.yaml", "text": text}]})
        made = await client.apply(FORTNIGHT)
        assert made["version"] == 1
        told = await client.call("POST", "/v1/services/parking/evaluations", {"as_of": "2026-10-11"})
    assert answer.status_code == 422
    assert "evaluation_times.cron" in answer.text
    assert "at most one evaluation a day" in answer.text
    assert (told.status_code, told.json()["stored_at"]) == (200, None)
