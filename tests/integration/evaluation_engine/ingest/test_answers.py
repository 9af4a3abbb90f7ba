"""Answers: once, quarantined, erased for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.ingest import NOW, Ingest, Sent, answer, erasure, event, feedback_id

TODAY = NOW.date()


async def feedback(ingest: Ingest) -> dict[str, int]:
    """The feedback of the one day that there is."""
    (day,) = (await ingest.audit()).ledger.feedback
    assert (day.service, day.day) == ("permit", TODAY)
    counts = {name: getattr(day, name) for name in ("counted", "quarantined", "dead_lettered", "erased")}
    return {name: n for name, n in counts.items() if n}


async def balanced(ingest: Ingest) -> bool:
    return (await ingest.audit()).imbalance == 0


async def test_an_answer_counts_in_every_cut(ingest: Ingest) -> None:
    assert await ingest.answers(answer("a", rating=5, nps=9, task_done="partly", language="el-GR", step="pay")) == {
        "counted": 1
    }

    expected = {"answers": 1, "rating.5": 1, "nps.9": 1, "task.partly": 1}
    for cut in ("", "channel=web", "language=el", "assisted=no", "step=pay", "channel=web|language=el"):
        assert await ingest.total(cut) == expected
    assert await feedback(ingest) == {"counted": 1}


@pytest.mark.requirement("B12")
async def test_an_erased_answer_leaves_fact_and_aggregates(ingest: Ingest) -> None:
    await ingest.answers(answer("a", comment="a word"), answer("b", rating=2))

    assert await ingest.answers(erasure("a")) == {"erased": 1}

    assert await ingest.total() == {"answers": 1, "rating.2": 1}
    (left,) = await ingest.query(
        "SELECT * FROM evaluation.answer WHERE feedback_key = $1", bytes.fromhex(feedback_id("a"))
    )
    assert (left["content"], left["payload_hash"], left["occurred_at"]) == (None, None, None)
    assert await feedback(ingest) == {"counted": 1, "erased": 1}
    assert await balanced(ingest)


@pytest.mark.requirement("B12")
async def test_an_answer_that_comes_after_its_erasure_is_erased(ingest: Ingest) -> None:
    await ingest.answers(erasure("a"))

    assert await ingest.answers(answer("a", comment="a word")) == {"erased": 1}

    assert await ingest.total() == {}
    assert await ingest.query("SELECT FROM evaluation.answer WHERE content IS NOT NULL") == []
    assert await feedback(ingest) == {"erased": 1}
    assert await balanced(ingest)


async def test_a_retry_can_not_revive_an_erased_answer(ingest: Ingest) -> None:
    await ingest.answers(answer("a"), erasure("a"), answer("a"))
    await ingest.pass_days(3)
    await ingest.answers(answer("a"))

    assert await ingest.total() == {}
    assert await ingest.query("SELECT FROM evaluation.answer WHERE content IS NOT NULL") == []
    assert await balanced(ingest)


async def test_the_id_of_an_erased_answer_goes_after_the_window_and_the_count_stays(ingest: Ingest) -> None:
    await ingest.answers(answer("a"), erasure("a"))
    await ingest.query("UPDATE evaluation.answer SET changed_at = $1", NOW)
    await ingest.pass_days(16)

    assert (
        await ingest.query("SELECT FROM evaluation.answer WHERE feedback_key = $1", bytes.fromhex(feedback_id("a")))
        == []
    )
    assert await feedback(ingest) == {"erased": 1}
    assert await balanced(ingest)


async def test_erased_twice_is_erased_once_in_the_feedback_and_twice_on_the_topic(ingest: Ingest) -> None:
    await ingest.answers(answer("a"), erasure("a"), erasure("a", again=1), erasure("a"))

    (books,) = (await ingest.audit()).ledger.partitions
    assert books.outcomes == {"counted": 1, "erased": 2, "duplicate": 1}
    assert await feedback(ingest) == {"erased": 1}
    assert await balanced(ingest)


async def test_quarantined_feedback_is_kept_and_does_not_count(ingest: Ingest) -> None:
    assert await ingest.answers(answer("a", quarantined=True, comment="win a prize")) == {"quarantined": 1}

    assert await ingest.total() == {}
    assert await feedback(ingest) == {"quarantined": 1}
    await ingest.answers(erasure("a"))
    assert await ingest.total() == {}
    assert await feedback(ingest) == {"erased": 1}
    assert await balanced(ingest)


async def test_feedback_belongs_to_the_day_on_which_it_was_received(ingest: Ingest) -> None:
    await ingest.answers(answer("a", at=NOW - timedelta(days=400), recorded=NOW))

    assert await feedback(ingest) == {"counted": 1}


async def test_the_erasure_of_a_dead_letter_takes_its_content(ingest: Ingest) -> None:
    await ingest.answers(answer("a", rating=17, comment="a word"))
    assert await feedback(ingest) == {"dead_lettered": 1}

    await ingest.answers(erasure("a"))

    assert await ingest.query("SELECT FROM evaluation.dead_letter WHERE value IS NOT NULL") == []
    assert await feedback(ingest) == {"erased": 1}
    assert await balanced(ingest)


async def test_the_erasure_in_the_batch_of_a_dead_letter_takes_its_content(ingest: Ingest) -> None:
    await ingest.answers(answer("a", rating=17), erasure("a"))

    assert await ingest.query("SELECT FROM evaluation.dead_letter WHERE value IS NOT NULL") == []
    assert await feedback(ingest) == {"erased": 1}


async def test_poison_that_feedback_api_never_stored_is_no_feedback(ingest: Ingest) -> None:
    stray = event("civiloop.feedback.received.v1", "stray", {"feedback_id": "0" * 32, "service": "permit"})

    assert await ingest.answers(Sent(b"0" * 32, stray)) == {"dead_lettered": 1}
    assert (await ingest.audit()).ledger.feedback == []
    assert await balanced(ingest)


async def test_an_erasure_is_done_whatever_the_catalogue_says(ingest: Ingest) -> None:
    await ingest.answers(answer("a"))
    await ingest.query("DELETE FROM evaluation.service")
    await ingest.book.refresh()

    assert await ingest.answers(erasure("a")) == {"erased": 1}
    assert await ingest.total() == {}


@pytest.mark.requirement("A1")
async def test_answers_to_questions_are_counted_and_an_erasure_takes_them_out_to_the_unit(ingest: Ingest) -> None:
    said = {"jdma-satisfaction": "good", "jdma-clarity": 4, "a11-liked": ["ease"]}
    offered = {"a11-liked": ["ease", "humanity"]}
    a = answer("a", rating=None, answers=said, offered=offered)
    await ingest.answers(a, answer("b", rating=None, answers={"jdma-clarity": 4}))

    assert await ingest.total("channel=web") == {
        "answers": 2, "q.jdma-satisfaction.good": 1, "q.jdma-clarity.4": 2, "q.a11-liked.offered": 1,
        "q.a11-liked.ease.offered": 1, "q.a11-liked.ease.ticked": 1, "q.a11-liked.humanity.offered": 1,
    }  # fmt: skip

    assert await ingest.answers(erasure("a")) == {"erased": 1}

    assert await ingest.total("channel=web") == {"answers": 1, "q.jdma-clarity.4": 1}
    assert await balanced(ingest)
