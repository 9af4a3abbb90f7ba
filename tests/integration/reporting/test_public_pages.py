"""What the engine publishes, on the public page and in its file: small groups, late answers, records from before."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from tests.integration.reporting.conftest import CITY, NOW, Api, World, apply, publish_keys, running
from tests.support.engine import Engine, days, make_engine
from tests.support.platform import Infra

MONTH = "2026-10"
FIRST = days(date(2026, 10, 1), 30)
PUBLIC = ("/services/parking?lang=en", "/services/parking/results.csv")


@pytest.fixture
async def engine(infra: Infra, topic_prefix: str) -> AsyncIterator[Engine]:
    made = await make_engine(infra, topic_prefix)
    async with made.opened(NOW) as desks:
        await apply(desks, "local", CITY + PHONES)
        await made.watermark(NOW)
    yield made
    infra.drop_database(made.database.name)


PHONES = """
---
kind: target
id: phones
service: parking
kpi: csat
at_least: 50
scope: {channel: phone}
origin: charter
"""


async def answer(engine: Engine, cut: str, *, good: int, bad: int) -> None:
    """So many more answers of October, by one channel."""
    measures = {"answers": good + bad, "rating.5": good, "rating.1": bad}
    await engine.count({name: n for name, n in measures.items() if n}, FIRST[4], cuts=("", cut))


async def evaluated(engine: Engine) -> dict[str, Any]:
    async with engine.opened(NOW) as desks:
        record: dict[str, Any] = json.loads((await desks.scorecards.evaluate("local", "parking", MONTH)).record)
    return record


async def shown(engine: Engine) -> tuple[str, list[dict[str, str]]]:
    """The public page, and the rows of csat in its file."""
    async with running(World(engine, {})) as api:
        page, table = [(await api.client.get(path)) for path in PUBLIC]
    assert (page.status_code, table.status_code) == (200, 200)
    rows = csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff")))
    return page.text, [row for row in rows if row["kpi"] == "csat"]


def told(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["cut"]: row["n"] if row["state"] != "suppressed" else row["state"] for row in rows}


async def two_channels(engine: Engine, phone: int = 7) -> None:
    await answer(engine, "channel=web", good=100, bad=20)
    await answer(engine, "channel=phone", good=phone - 2, bad=2)


@pytest.mark.requirement("B12")
async def test_a_small_group_and_the_one_that_would_give_it_away_are_in_no_public_place(engine: Engine) -> None:
    await two_channels(engine)
    record = await evaluated(engine)
    page, rows = await shown(engine)

    assert told(rows) == {"": "127"}, "of two channels both are hidden: the table is left out"
    for number in ("120", "83.3", "71.4"):
        assert f">{number}" not in page
        assert f"{number} " not in page
    assert "Not judged in public" in page, "the target for the phone"
    assert {(one["cut"], one["n"]) for one in record["cuts"] if one["kpi"] == "csat"} == {
        ("channel=web", 120),
        ("channel=phone", 7),
    }, "inside, exact values are kept"
    assert {one["cut"]: one["reason"] for one in record["withheld"] if one["kpi"] == "csat"} == {
        "channel=*": "nothing left"
    }


@pytest.mark.requirement("B12")
async def test_a_revision_by_three_people_is_refused_and_the_earlier_edition_stays(engine: Engine) -> None:
    await two_channels(engine, phone=40)
    await evaluated(engine)
    before = await shown(engine)
    await answer(engine, "channel=phone", good=3, bad=0)
    record = await evaluated(engine)
    after = await shown(engine)

    assert (record["revision"], record["published"]["kept"]["csat"]) == (2, "1/1")
    assert next(one["n"] for one in record["results"] if one["kpi"] == "csat") == 163
    assert told(before[1]) == {"": "160", "channel=web": "120", "channel=phone": "40"}
    assert after == before, "numbers, verdicts and all"
    assert {row["edition"] for row in after[1]} == {"1/1"}
    reasons = {one["cut"]: one["reason"] for one in record["withheld"] if one["kpi"] == "csat"}
    assert reasons.keys() == {"", "channel=*"}


async def test_a_revision_by_many_people_is_published(engine: Engine) -> None:
    await two_channels(engine, phone=40)
    await evaluated(engine)
    await answer(engine, "channel=phone", good=6, bad=6)
    await evaluated(engine)
    page, rows = await shown(engine)

    assert told(rows) == {"": "172", "channel=web": "120", "channel=phone": "52"}
    assert {row["edition"] for row in rows} == {"1/2"}
    assert "Not enough data" in page, "the target for the phone, which is judged in public now"


async def test_the_ledger_holds_each_edition_that_was_shown(engine: Engine) -> None:
    await two_channels(engine, phone=40)
    await evaluated(engine)
    await answer(engine, "channel=phone", good=3, bad=0)
    await evaluated(engine)
    rows = await engine.query(
        "SELECT dimension, revision, n, period_start, period_end FROM evaluation.release_ledger"
        " WHERE service_id = 'parking' AND kpi = 'csat' ORDER BY id"
    )
    october = (date(2026, 10, 1), date(2026, 11, 1))
    assert [tuple(row) for row in rows] == [("", 1, 160, *october), ("channel", 1, 160, *october)]


async def test_the_same_inputs_publish_the_same_to_the_byte(infra: Infra, topic_prefix: str) -> None:
    """Whatever came first, over a first edition and a revision that is refused."""
    records: list[list[dict[str, Any]]] = []
    for turn, order in enumerate((1, -1)):
        engine = await make_engine(infra, f"{topic_prefix}{turn}.")
        async with engine.opened(NOW) as desks:
            await apply(desks, "local", CITY + PHONES)
        await engine.watermark(NOW)
        for cut, good, bad in [("channel=web", 100, 20), ("channel=phone", 38, 2), ("channel=web", 9, 1)][::order]:
            await answer(engine, cut, good=good, bad=bad)
        first = await evaluated(engine)
        await answer(engine, "channel=web", good=4, bad=0)
        records.append([first, await evaluated(engine)])
        infra.drop_database(engine.database.name)

    assert records[0] == records[1]
    assert records[0][1]["published"]["kept"]["csat"] == "1/1"


async def test_what_is_evaluated_on_demand_publishes_nothing(engine: Engine) -> None:
    await two_channels(engine)
    async with engine.opened(NOW) as desks:
        made = json.loads((await desks.scorecards.evaluate("local", "parking", "2026-10-05/2026-10-12")).record)
        live = (await desks.scorecards.of("local", "parking", "live")).record
    page, rows = await shown(engine)

    assert made["published"] is None
    assert live.published is None
    assert rows == []
    assert "Nothing of this service is published yet" in page


async def test_a_record_from_before_anything_was_published_shows_nothing(engine: Engine) -> None:
    await two_channels(engine)
    await evaluated(engine)
    await engine.query(
        "UPDATE evaluation.evaluation SET record = (record::jsonb - 'published' - 'withheld')::json"
        " WHERE service_id = 'parking'"
    )
    page, rows = await shown(engine)

    assert rows == []
    assert "Nothing of this service is published yet" in page


async def test_two_evaluators_publish_one_after_the_other(engine: Engine) -> None:
    """The second reads the ledger of the first: 160 people, then 163."""
    await two_channels(engine, phone=40)
    async with engine.opened(NOW) as one, engine.opened(NOW) as other:
        first = json.loads((await one.scorecards.evaluate("local", "parking", MONTH)).record)
        await answer(engine, "channel=phone", good=3, bad=0)
        second = json.loads((await other.scorecards.evaluate("local", "parking", MONTH)).record)

    assert first["published"]["kept"] == {}
    assert second["published"]["results"] == first["published"]["results"]


async def test_front_ends_with_a_key_see_what_is_hidden_and_why(engine: Engine) -> None:
    await two_channels(engine)
    await evaluated(engine)
    keys = await publish_keys(engine)
    async with running(World(engine, keys)) as client:
        api = Api(client.client, keys)
        [record] = (await api.get("/v1/services/parking/evaluations")).json()["items"]

    assert {"kpi": "csat", "cut": "channel=*", "reason": "nothing left"} in record["withheld"]
    assert record["published"]["results"]
