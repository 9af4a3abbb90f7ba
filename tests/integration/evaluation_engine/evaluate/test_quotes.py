"""Quotes: for stewards until one of them releases one, public by reference only, gone with their answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.integration.evaluation_engine.evaluate.test_themes import CANARY, SAID, erasure, ingest
from tests.support.engine import SERVICE, Client, Engine
from tests.support.ingest import Ingest

pytestmark = pytest.mark.requirement("B12")
THEMES = "/v1/services/parking/themes?period=2026-10"
QUOTES = "/v1/services/parking/quotes"
ORDER = {"theme": "payment", "period": "2026-10", "reason": "for the annual report"}


@asynccontextmanager
async def with_comments(engine: Engine) -> AsyncIterator[tuple[Client, Ingest]]:
    async with engine.running() as client:
        await client.apply(SERVICE)
        async with ingest(engine) as made:
            await made.answers(*SAID)
            yield client, made


async def key_with(client: Client, *scopes: str, label: str) -> str:
    made = await client.call("POST", "/v1/keys", {"label": label, "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]
    return key


async def quotes_of(client: Client, theme: str = "payment", *, key: str | None = None) -> list[dict[str, Any]]:
    found = await client.get(THEMES, key=key)
    quotes: list[dict[str, Any]] = next(one["quotes"] for one in found["themes"] if one["theme"] == theme)
    return quotes


async def public(engine: Engine) -> list[asyncpg.Record]:
    """What reporting reads."""
    return await engine.query("SELECT * FROM reporting_v1.released_quote ORDER BY released_at")


async def decide(client: Client, quote: str, verb: str, order: dict[str, str], **options: Any) -> int:
    return (await client.call("POST", f"{QUOTES}/{quote}/{verb}", order, **options)).status_code


async def test_a_quote_is_for_stewards_until_one_of_them_releases_it(engine: Engine) -> None:
    async with with_comments(engine) as (client, _):
        reader = await key_with(client, "read", label="dashboard")
        steward = await key_with(client, "steward", label="Maria, press office")
        assert await quotes_of(client, key=reader) == []
        assert CANARY not in json.dumps(await client.get(THEMES, key=reader))
        first, *rest = await quotes_of(client, key=steward)
        assert not first["publishable"]
        assert rest

        assert await decide(client, first["id"], "release", ORDER, key=reader) == 403
        assert await public(engine) == []
        assert await decide(client, first["id"], "release", ORDER, key=steward) == 204
        assert await decide(client, first["id"], "release", ORDER, key=steward) == 204, "twice is once"

        (row,) = await public(engine)
        assert (row["service_id"], row["body_id"], row["theme"], row["text"]) == (
            "parking",
            "local",
            "payment",
            first["text"],
        )
        assert row["month"].isoformat() == "2026-10-01"
        (seen,) = await quotes_of(client, key=reader)
        assert seen == {"text": first["text"], "language": first["language"], "publishable": True}
        assert [one["text"] for one in (await client.get(QUOTES, key=reader))["quotes"]] == [first["text"]]
        (kept,) = (await client.get(QUOTES, key=steward))["quotes"]
        assert kept["released_by"]["label"] == "Maria, press office"
        assert (kept["reason"], kept["public"], bool(kept["released_at"])) == (ORDER["reason"], True, True)


async def test_a_quote_that_is_withdrawn_is_public_no_more_and_its_history_stays(engine: Engine) -> None:
    async with with_comments(engine) as (client, _):
        quote = (await quotes_of(client))[0]["id"]
        why = {"reason": "the person asked"}
        assert await decide(client, quote, "withdraw", why) == 404, "it isn't released"
        assert await decide(client, quote, "release", ORDER) == 204
        assert await decide(client, quote, "withdraw", why) == 204

        assert await public(engine) == []
        assert not any(one["publishable"] for one in await quotes_of(client))
        (kept,) = (await client.get(QUOTES))["quotes"]
        assert (kept["public"], kept["reason"], kept["withdrawn_because"]) == (False, ORDER["reason"], why["reason"])
        assert kept["withdrawn_by"]["label"] == "first admin"

        assert await decide(client, quote, "release", ORDER) == 204
        assert len((await client.get(QUOTES))["quotes"]) == 2
        assert len(await public(engine)) == 1


async def test_what_may_not_be_released_is_refused(engine: Engine) -> None:
    async with with_comments(engine) as (client, _):
        quote = (await quotes_of(client))[0]["id"]
        for order in (
            {**ORDER, "theme": "waiting"},
            {**ORDER, "period": "2026-09"},
        ):
            assert await decide(client, quote, "release", order) == 404, order
        assert await decide(client, "0" * 64, "release", ORDER) == 404
        assert await decide(client, quote, "release", {"theme": "payment", "period": "2026-10"}) == 422
        assert (await client.call("POST", f"/v1/services/elsewhere/quotes/{quote}/release", ORDER)).status_code == 404
        assert await public(engine) == []


async def test_an_erased_answer_is_quoted_nowhere_and_no_word_about_it_is_left(engine: Engine) -> None:
    async with with_comments(engine) as (client, made):
        released = next(one for one in await quotes_of(client) if "froze" in one["text"])
        assert await decide(client, released["id"], "release", {**ORDER, "reason": f"says {CANARY}"}) == 204
        number = int(released["text"].rstrip(".").rpartition(" ")[2])

        await made.answers(erasure(number))

        assert await public(engine) == []
        assert released["id"] not in [one["id"] for one in await quotes_of(client)]
        (kept,) = (await client.get(QUOTES))["quotes"]
        assert (kept["public"], kept["text"], kept["reason"]) == (False, None, None)
        assert kept["released_by"]["label"] == "first admin", "who released it is still known"
        assert CANARY not in str(await engine.query("SELECT * FROM evaluation.quote_release"))
        assert await decide(client, released["id"], "release", ORDER) == 404


async def test_the_reporting_role_reads_released_quotes_and_no_comments(engine: Engine) -> None:
    async with with_comments(engine) as (client, _):
        assert await decide(client, (await quotes_of(client))[0]["id"], "release", ORDER) == 204
        connection = await asyncpg.connect(engine.database.reporting)
        try:
            assert len(await connection.fetch("SELECT text FROM reporting_v1.released_quote")) == 1
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT content FROM evaluation.answer")
        finally:
            await connection.close()
