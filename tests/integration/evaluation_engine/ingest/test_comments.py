"""Comments: read once when they are counted, counted beside the scores, taken out exactly."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluation_engine.adapters.default_taxonomy import read_taxonomy
from evaluation_engine.adapters.rebuild_store import PostgresRebuildStore
from evaluation_engine.bootstrap.comments import ExtractorOnFirstUse
from evaluation_engine.service.ingest.comments import read_comments
from evaluation_engine.service.rebuild import RebuildAggregates, Rebuilt
from tests.support.ingest import BODY, NOW, Ingest, answer, erasure, feedback_id

PAYMENT = "The payment page froze twice and my card was charged."
GREEK = "Η σελίδα πληρωμής κόλλησε και περιμένω εβδομάδες."


def said(measures: dict[str, int]) -> dict[str, int]:
    """What comments added."""
    return {name: n for name, n in measures.items() if name.startswith(("comment.", "theme."))}


async def record(ingest: Ingest, name: str) -> Any:
    (row,) = await ingest.query(
        "SELECT content::text FROM evaluation.answer WHERE feedback_key = $1", bytes.fromhex(feedback_id(name))
    )
    return json.loads(row[0])["record"]


async def rebuild(ingest: Ingest, taxonomy: Path | None = None) -> Rebuilt:
    extract = ExtractorOnFirstUse(read_taxonomy(taxonomy))
    use_case = RebuildAggregates(PostgresRebuildStore(ingest.pool), extract, ingest.now_ms)
    return await use_case.rebuild(BODY, "permit", date(2026, 9, 1), date(2026, 12, 1))


@pytest.mark.requirement("C5")
async def test_themes_and_languages_of_comments_are_counted_in_every_cut_beside_the_scores(ingest: Ingest) -> None:
    await ingest.answers(answer("a", rating=2, comment=PAYMENT, language="en"), answer("b", rating=5))
    await ingest.answers(answer("c", rating=1, comment=GREEK, language="el", channel="phone"))

    total = said(await ingest.total())
    assert total["comment.n"] == 2
    assert {name: n for name, n in total.items() if name.startswith("comment.language.")} == {
        **dict.fromkeys(("comment.language.en.n", "comment.language.en.rating.2"), 1),
        **dict.fromkeys(("comment.language.el.n", "comment.language.el.rating.1"), 1),
    }
    assert (total["theme.payment.n"], total["theme.payment.rating.1"], total["theme.payment.rating.2"]) == (2, 1, 1)
    assert said(await ingest.total("channel=phone"))["theme.payment.n"] == 1
    assert said(await ingest.total("language=en", grain="day"))["theme.payment.n"] == 1
    assert said(await ingest.total("channel=web", grain="quarter"))["theme.payment.rating.2"] == 1
    kept = await record(ingest, "a")
    assert (kept["language"], kept["themes"]) == ("en", ["payment", "technical"])
    assert kept["taxonomy"] == ingest.extract.digest
    assert await record(ingest, "b") is None


@pytest.mark.requirement("B12")
async def test_an_erasure_takes_a_comment_out_exactly_and_its_record_with_it(ingest: Ingest) -> None:
    await ingest.answers(answer("a", rating=2, comment=PAYMENT), answer("b", rating=3, comment=GREEK))
    with_both = await ingest.cells()
    await ingest.answers(answer("c", rating=1, comment=f"{PAYMENT} {GREEK}", step="pay"))

    await ingest.answers(erasure("c"))

    assert await ingest.cells() == with_both
    assert "κόλλησε" not in str(
        await ingest.query(
            "SELECT content::text FROM evaluation.answer WHERE feedback_key = $1", bytes.fromhex(feedback_id("c"))
        )
    )
    await ingest.answers(erasure("a"), erasure("b"))
    assert await ingest.cells() == {}


async def test_what_was_stored_is_taken_out_also_after_the_taxonomy_changed(ingest: Ingest, tmp_path: Path) -> None:
    await ingest.answers(answer("a", rating=2, comment=PAYMENT))
    ingest.extract = ExtractorOnFirstUse(read_taxonomy(own_taxonomy(tmp_path)))

    await ingest.answers(erasure("a"))

    assert await ingest.cells() == {}


async def test_quarantined_answers_add_nothing_and_have_no_record(ingest: Ingest) -> None:
    await ingest.answers(answer("a", comment=PAYMENT, quarantined=True))

    assert await ingest.total() == {}
    assert await record(ingest, "a") is None


@pytest.mark.requirement("B14")
async def test_a_rebuild_gives_the_same_bytes_with_comments(ingest: Ingest) -> None:
    sent = [
        answer(f"a{n}", at=NOW - timedelta(days=n), rating=n % 5 + 1, comment=(PAYMENT, GREEK)[n % 2])
        for n in range(40)
    ]
    await ingest.answers(*sent)
    before = await ingest.raw_cells()

    assert (await rebuild(ingest)).changed == 0
    await ingest.query("DELETE FROM evaluation.aggregate")
    await rebuild(ingest)

    assert await ingest.raw_cells() == before


async def test_a_rebuild_reads_comments_again_that_another_taxonomy_read(ingest: Ingest, tmp_path: Path) -> None:
    await ingest.answers(answer("a", rating=2, comment=PAYMENT), answer("old", at=NOW - timedelta(days=200)))
    await ingest.answers(answer("before", at=NOW - timedelta(days=120), comment=PAYMENT))
    own = own_taxonomy(tmp_path)

    assert (await rebuild(ingest, own)).changed > 0

    found = said(await ingest.total())
    assert (found["theme.freezing.n"], found["theme.freezing.rating.2"], found["theme.payment.n"]) == (1, 1, 1)
    assert (await record(ingest, "a"))["themes"] == ["freezing"]
    assert (await record(ingest, "before"))["themes"] == ["payment", "technical"], "its month wasn't in the range"
    ingest.lanes.clear()
    await ingest.answers(erasure("a"), erasure("old"), erasure("before"))
    assert await ingest.cells() == {}


async def test_long_comments_hold_up_nothing_else(ingest: Ingest) -> None:
    long = (f"{PAYMENT} {GREEK} " * 60)[:5_000]
    sent = [answer(f"a{n}", comment=long) for n in range(40)]
    await ingest.answers(answer("first", comment=long))

    waits = asyncio.create_task(longest_wait())
    await asyncio.sleep(0)
    assert await ingest.answers(*sent) == {"counted": 40}
    waits.cancel()

    assert (await waits) < 0.5
    assert said(await ingest.total())["theme.payment.n"] == 41


async def test_a_batch_of_comments_lets_others_work_meanwhile(ingest: Ingest) -> None:
    await ingest.answers(answer("first", comment=PAYMENT))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(count())
    found = await read_comments(ingest.extract, {n: f"{PAYMENT} {n}" for n in range(400)})
    task.cancel()

    assert len(found) == 400
    assert turns >= 400 * len(PAYMENT) // 2_000 - 1


async def longest_wait() -> float:
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


def own_taxonomy(folder: Path) -> Path:
    path = folder / "themes.yaml"
    path.write_text("version: 1\nthemes:\n- {id: freezing, title: {en: Freezing}, terms: {en: [froze, freezes]}}\n")
    return path
