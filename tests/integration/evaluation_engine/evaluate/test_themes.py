"""Themes: stored with evaluations from counts alone, read over HTTP with quotes that go nowhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackReceived
from civiloop_shared.contracts.identity import event_key
from civiloop_shared.postgres.engine import ConnectionOptions, create_pool
from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.sink import PostgresSink
from evaluation_engine.bootstrap.comments import make_extractor
from evaluation_engine.service.ingest.services import ServiceBook
from tests.integration.evaluation_engine.evaluate.test_scorecards import apply
from tests.support.engine import SERVICE, Client, Engine, days
from tests.support.ingest import SOURCE, Ingest, Sent, event

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 5, 9, tzinfo=UTC)
CANARY = "zanzibar-canary"


def key_of(n: int) -> str:
    return event_key("local", SOURCE, f"a{n}").hex()


def answer(n: int, comment: str, rating: int, language: str = "en") -> Sent:
    payload = {
        "feedback_id": key_of(n),
        "service": "parking",
        "channel": "web",
        "language": language,
        "occurred_at": (OCTOBER + timedelta(hours=n)).isoformat(),
        "rating": rating,
        "comment": comment,
    }
    return Sent(key_of(n).encode(), event(FeedbackReceived.TYPE, f"a{n}", payload, body="local", recorded=NOW))


def erasure(n: int) -> Sent:
    payload = {"feedback_id": key_of(n), "service": "parking", "erased_at": NOW.isoformat()}
    value = event(FeedbackErased.TYPE, f"a{n}/erased", payload, body="local", recorded=NOW)
    return Sent(key_of(n).encode(), value)


SAID = [
    *(answer(n, f"The payment page froze at the {CANARY} step number {n}.", 1 + n % 2) for n in range(15)),
    *(answer(100 + n, f"Η πληρωμή απέτυχε ξανά στο βήμα {n}, {CANARY}.", 2, "el") for n in range(5)),
    *(answer(200 + n, f"Quick and clear, thank you {CANARY} {n}.", 5) for n in range(30)),
]


@asynccontextmanager
async def ingest(engine: Engine, taxonomy: Path | None = None) -> AsyncIterator[Ingest]:
    """Ingest on the database of an engine."""
    pool = await create_pool(engine.database.evaluation, ConnectionOptions(max_size=4))
    try:
        sink = PostgresSink(pool)
        made = Ingest(engine.database, pool, sink, ServiceBook(sink), NOW)
        if taxonomy is not None:
            made.extract = make_extractor(read_taxonomy(taxonomy))
        await made.book.refresh()
        await made.keep_up()
        yield made
    finally:
        pool.terminate()


@asynccontextmanager
async def with_comments(engine: Engine) -> AsyncIterator[tuple[Client, Ingest]]:
    async with engine.running() as client:
        await client.apply(SERVICE)
        async with ingest(engine) as made:
            await made.answers(*SAID)
            await engine.watermark(NOW)
            yield client, made


@pytest.mark.requirement("C5")
async def test_themes_are_read_with_volume_cost_languages_and_quotes(engine: Engine) -> None:
    async with with_comments(engine) as (client, made):
        found = await client.get("/v1/services/parking/themes?period=2026-10")

        assert (found["comments"], found["languages"]) == (50, {"el": 5, "en": 45})
        payment = next(one for one in found["themes"] if one["theme"] == "payment")
        assert (payment["n"], payment["share"], payment["languages"]) == (20, 0.4, {"el": 5, "en": 15})
        assert payment["impact"] > 0.5
        assert payment["q_value"] < 0.001
        assert payment["state"] == "steady", "there is no past to compare it with"
        assert {"en", "el", "fa"} <= payment["title"].keys()
        assert 1 <= len(payment["quotes"]) <= 3
        assert not any(quote["publishable"] for quote in payment["quotes"])

        await made.answers(*(erasure(n) for n in range(15)))
        left = await client.get("/v1/services/parking/themes?period=2026-10")
        assert left["comments"] == 35
        assert "froze" not in json.dumps(left), "what was erased is quoted no more"


async def test_themes_need_a_known_service_a_period_and_a_key_that_may_read_it(engine: Engine) -> None:
    async with engine.running() as client:
        await client.apply(SERVICE)
        assert (await client.get("/v1/services/parking/themes"))["themes"] == []
        assert (await client.call("GET", "/v1/services/elsewhere/themes")).status_code == 404
        assert (await client.call("GET", "/v1/services/parking/themes?period=soon")).status_code == 422
        assert (await client.http.get("/v1/services/parking/themes")).status_code == 401
        made = await client.call("POST", "/v1/keys", {"label": "form", "scopes": ["feedback:write"]})
        assert (await client.call("GET", "/v1/services/parking/themes", key=made.json()["key"])).status_code == 403


@pytest.mark.requirement("B12")
async def test_words_of_people_are_in_quotes_only(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    async with with_comments(engine) as (client, _):
        answer = await client.call("POST", "/v1/services/parking/evaluations", {"period": "2026-10"})
        assert answer.status_code == 201, answer.text
        record = answer.json()
        assert [one["theme"] for one in record["themes"]][:1] == ["payment"]
        assert any(one["kind"] == "theme_driver" for one in record["findings"])
        assert CANARY in json.dumps(await client.get("/v1/services/parking/themes?period=2026-10"))
        await engine.relayed()

        elsewhere = [
            record,
            await engine.evaluations(),
            await client.get("/v1/services/parking/findings?status=all"),
            await client.get("/v1/services/parking/scorecard?period=2026-10"),
            (await client.http.get("/metrics")).text,
            *map(
                str,
                await engine.query(
                    "SELECT data::text FROM evaluation.aggregate UNION ALL SELECT data::text FROM evaluation.change"
                ),
            ),
            *map(str, await engine.query("SELECT record::text FROM evaluation.live_status")),
        ]

    assert elsewhere[1], "evaluations were published"
    assert CANARY not in json.dumps(elsewhere)
    logged = capfd.readouterr()
    assert CANARY not in logged.out + logged.err


@pytest.mark.requirement("A7")
async def test_a_theme_that_rises_is_stored_as_such_and_found(engine: Engine) -> None:
    usual = {"comment.n": 40, "comment.rating.2": 4, "comment.rating.4": 36, "theme.payment.n": 4}
    usual |= {"theme.payment.rating.2": 4, "answers": 40, "rating.2": 4, "rating.4": 36}
    more = {**usual, "theme.payment.n": 14, "theme.payment.rating.2": 4, "theme.payment.rating.4": 10}
    async with engine.opened(NOW) as desks:
        await apply(desks, SERVICE)
        await engine.watermark(NOW)
        for month in range(1, 10):
            await engine.count(usual, *days(date(2026, month, 4), 3))
        await engine.count(more, *days(date(2026, 10, 4), 3))
        stored = await desks.scorecards.evaluate("local", "parking", "2026-10")
        again = await desks.scorecards.evaluate("local", "parking", "2026-10")

    record = json.loads(stored.record)
    (payment,) = record["themes"]
    assert (payment["state"], payment["n"]) == ("rising", 42)
    assert (payment["share"], payment["share_before"]) == (pytest.approx(0.35), pytest.approx(0.1))
    assert "theme_rising" in [one["kind"] for one in record["findings"]]
    assert again.record == stored.record
