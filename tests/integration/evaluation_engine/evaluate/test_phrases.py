"""Phrases nobody foresaw: over HTTP, in two comparisons, by names that stay as long as somebody's words bear them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.evaluation_engine.evaluate.test_quotes import key_with
from tests.integration.evaluation_engine.evaluate.test_themes import OCTOBER, answer, erasure, ingest
from tests.support.engine import SERVICE, Client, Engine
from tests.support.ingest import Ingest, Sent

pytestmark = pytest.mark.requirement("A7")
PHRASES = "/v1/services/parking/phrases?period=2026-10"
SEPTEMBER = -(30 * 24)
"""Hours from where answers are counted from."""


def said(first: int, number: int, comment: str, rating: int, language: str = "en") -> list[Sent]:
    return [answer(first + n, comment, rating, language) for n in range(number)]


BEFORE = said(SEPTEMBER, 80, "The clerk was kind and everything was fine", 4)
NOW = [
    *said(0, 60, "The clerk was kind and everything was fine", 4),
    *said(100, 12, "The signature pad in the office was broken", 1),
    *said(200, 9, "The parrot in the hall was loud", 1),
    *said(300, 12, "Το μηχάνημα υπογραφής χάλασε", 2, "el"),
]


@asynccontextmanager
async def with_comments(engine: Engine, *sent: Sent) -> AsyncIterator[tuple[Client, Ingest]]:
    async with engine.running() as client:
        await client.apply(SERVICE)
        async with ingest(engine) as made:
            await made.answers(*sent)
            yield client, made


def named(compared: dict[str, Any], words: str) -> dict[str, Any]:
    (found,) = [one for one in compared["phrases"] if words in one["name"]]
    return dict(found)


async def test_phrases_are_found_against_earlier_periods_and_in_low_scores_against_high(engine: Engine) -> None:
    async with with_comments(engine, *BEFORE, *NOW) as (client, _):
        found = await client.get(PHRASES)

        rising, costly = found["against_before"], found["low_against_high"]
        assert (rising["comments"], rising["others"]) == (93, 80)
        assert (costly["comments"], costly["others"]) == (33, 60)
        assert found["most_comments"] == 2_000
        assert found["before"]["end"] == found["period"]["start"]
        for compared in (rising, costly):
            pad = named(compared, "signature pad")
            assert (pad["language"], pad["n"], pad["other_n"]) == ("en", 12, 0)
            assert pad["q_value"] < 0.05
            assert [quote["text"] for quote in pad["quotes"]] == ["The signature pad in the office was broken"]
        assert (named(rising, "signature pad")["of"], named(costly, "signature pad")["of"]) == (81, 21)
        assert "parrot" not in json.dumps(found), "nine are too few"
        assert "clerk" not in json.dumps(found), "it is said no more often"
        assert "μηχάνημα" not in json.dumps(found, ensure_ascii=False), "no Greek was written before, or praised"


async def test_who_is_no_steward_sees_phrases_without_quotes(engine: Engine) -> None:
    async with with_comments(engine, *BEFORE, *NOW) as (client, _):
        reader = await key_with(client, "read", label="dashboard")

        pad = named((await client.get(PHRASES, key=reader))["against_before"], "signature pad")

        assert pad["quotes"] == []
        writer = await key_with(client, "feedback:write", label="form")
        assert (await client.call("GET", PHRASES, key=writer)).status_code == 403
        assert (await client.call("GET", "/v1/services/elsewhere/phrases")).status_code == 404
        assert (await client.call("GET", "/v1/services/parking/phrases?period=soon")).status_code == 422


async def test_a_name_once_given_stays_and_goes_with_the_words_it_was_taken_from(engine: Engine) -> None:
    async with with_comments(engine, *BEFORE, *NOW) as (client, made):
        first = named((await client.get(PHRASES))["against_before"], "signature pad")
        assert first["name"] == "signature pad"

        await made.answers(*said(400, 30, "Signature Pads.", 1))
        second = named((await client.get(PHRASES))["against_before"], "signature pad")
        assert (second["phrase"], second["name"], second["n"]) == (first["phrase"], "signature pad", 42)
        (row,) = await engine.query("SELECT * FROM evaluation.phrase_name WHERE phrase_id = $1", first["phrase"])
        assert "signature" not in str(row), "the name itself is in no table of its own"

        await made.answers(*(erasure(100 + n) for n in range(12)))
        third = named((await client.get(PHRASES))["against_before"], "signature pad")
        assert (third["phrase"], third["name"], third["n"]) == (first["phrase"], "signature pads", 30)
        await made.answers(*(erasure(400 + n) for n in range(30)))
        assert "signature" not in json.dumps(await client.get(PHRASES))


async def test_only_the_newest_comments_are_looked_at(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation_engine.service.evaluate.themes.MOST_COMMENTS", 50)
    monkeypatch.setattr("evaluation_engine.service.evaluate.phrasing.MOST_COMMENTS", 40)
    async with with_comments(engine, *BEFORE, *NOW) as (client, _):
        found = (await client.get(PHRASES))["against_before"]

    assert (found["comments"], found["others"]) == (50, 40)


async def test_a_phrase_of_a_merged_theme_names_the_theme_that_is_in_use(engine: Engine, tmp_path: Any) -> None:
    own = tmp_path / "themes.yaml"
    stops = "stop_words: {en: the in was and}\nthemes:\n"
    text = f"version: 1\n{stops}- {{id: pads, title: {{en: Pads}}, terms: {{en: [pad]}}}}\n"
    merged = f"version: 2\n{stops}- {{id: pads, merged_into: devices}}\n"
    merged += "- {id: devices, title: {en: Devices}, terms: {en: [pad, printer]}}\n"
    own.write_text(text)
    async with engine.running(taxonomy=own) as client:
        await client.apply(SERVICE)
        async with ingest(engine, own) as made:
            await made.answers(*BEFORE, *NOW)
        stored = await client.call("POST", "/v1/services/parking/evaluations", {"period": "2026-10"})
        assert [one["theme"] for one in stored.json()["themes"]] == ["pads"]
        assert stored.json()["taxonomy"]["version"] == 1
    own.write_text(merged)
    async with engine.running(taxonomy=own) as client:
        shown = await client.get("/v1/services/parking/themes?period=2026-10")
        (theme,) = shown["themes"]
        assert (theme["theme"], theme["title"]["en"], theme["n"]) == ("devices", "Devices", 12)
        assert theme["quotes"], "comments that were read for the old id are quoted under the new one"
        assert shown["taxonomy"]["version"] == 2
        assert (shown["taxonomy"]["newest"], shown["taxonomy"]["outdated"]) == (93, 93)
        assert named((await client.get(PHRASES))["against_before"], "signature pad")["theme"] == "devices"
        again = await client.call("POST", "/v1/services/parking/evaluations", {"period": "2026-10"})
        assert ([one["theme"] for one in again.json()["themes"]], again.json()["taxonomy"]["version"]) == (
            ["devices"],
            2,
        )
        assert again.json()["revision"] == stored.json()["revision"] + 1


def test_the_months_of_these_tests_are_what_they_say() -> None:
    assert (OCTOBER + timedelta(hours=SEPTEMBER)).month == 9
    assert (OCTOBER + timedelta(hours=SEPTEMBER + 79)).month == 9
    assert (OCTOBER + timedelta(hours=430)).month == 10
