"""A record is an event of ours, or a dead letter with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from evaluation_engine.ports.sink import DeadLetter
from evaluation_engine.service.ingest.arrivals import Arrival, Reader, sort_out
from evaluation_engine.service.ingest.readers import AnswerReader, JourneyReader, MeasurementReader
from evaluation_engine.service.ingest.services import ServiceBook
from tests.support.ingest import BODY, NOW, SERVICES, Sent, answer, erasure, event, journey_event, measurement, numbered


class Definitions:
    """Implements ``ServiceSource``."""

    async def services(self) -> dict[str, dict[str, Any]]:
        shared = {"body": BODY, "version": 1, "title": {"en": "x"}}
        return {name: {"id": name} | shared | fields for name, fields in SERVICES.items()}

    async def facts_from_ms(self) -> dict[str, int]:
        return {}

    async def keep_contexts(self, contexts: object) -> None:
        return None


@pytest.fixture
async def book() -> ServiceBook:
    made = ServiceBook(Definitions())
    await made.refresh()
    return made


def sort_one(read: Reader[Any], sent: Sent) -> Arrival[Any] | DeadLetter:
    arrivals, letters = sort_out(numbered([sent]), read)
    assert len(arrivals) + len(letters) == 1
    return arrivals[0] if arrivals else letters[0]


def changed(sent: Sent, **attributes: Any) -> Sent:
    """The event with other attributes; None takes one away."""
    document = orjson.loads(sent.value or b"") | attributes
    return Sent(sent.key, orjson.dumps({name: value for name, value in document.items() if value is not None}))


async def test_a_journey_event_is_read_with_all_it_says(book: ServiceBook) -> None:
    sent = journey_event("step", step="form", language="el", assisted_digital=True, segments={"bb": "2", "aa": "1"})

    found = sort_one(JourneyReader(book), sent)

    assert isinstance(found, Arrival)
    one = found.payload.event
    assert (one.kind, one.step, one.language, one.assisted) == ("step", "form", "el", True)
    assert one.segments == (("aa", "1"), ("bb", "2"))
    assert one.at_ms == round(NOW.timestamp() * 1000)


@pytest.mark.requirement("B14")
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (Sent(b"city/j1", None), "no_value"),
        (Sent(b"city/j1", b""), "not_json"),
        (Sent(b"city/j1", b"\xff\xfe"), "not_json"),
        (Sent(b"city/j1", b"[" * 100_000), "not_json"),
        (Sent(b"city/j1", b'{"a":NaN}'), "not_json"),
        (Sent(b"city/j1", b"[]"), "not_cloudevent"),
        (changed(journey_event("started"), specversion="0.3"), "not_cloudevent"),
        (changed(journey_event("started"), id=None), "bad_attribute"),
        (changed(journey_event("started"), bodyid=5), "bad_attribute"),
        (changed(journey_event("started"), recordedtime="yesterday"), "bad_attribute"),
        (changed(journey_event("started"), recordedtime="2026-11-24T12:00:00"), "bad_attribute"),
        (changed(journey_event("started"), data=[]), "bad_data"),
        (changed(journey_event("started"), id="a\x00b"), "nul"),
        (journey_event("started", step="a\x00b"), "nul"),
        (journey_event("paused"), "bad_payload"),
        (journey_event("started", occurred_at="2026-11-24T12:00:00"), "bad_payload"),
        (journey_event("started", channel="pigeon"), "bad_payload"),
        (changed(journey_event("started"), type="civiloop.journey.step.v1"), "unknown_type"),
        (Sent(b"city/j2", journey_event("started").value), "wrong_key"),
        (Sent(None, journey_event("started").value), "wrong_key"),
        (journey_event("started", service="visa"), "unknown_service"),
        (journey_event("started", body="village"), "unknown_service"),
        (journey_event("started", at=NOW + timedelta(hours=25)), "impossible_time"),
    ],
)
async def test_a_bad_journey_event_is_set_aside_with_its_reason(book: ServiceBook, sent: Sent, reason: str) -> None:
    found = sort_one(JourneyReader(book), sent)

    assert isinstance(found, DeadLetter)
    assert found.reason == reason
    assert found.outcome == ("data_fault" if reason == "impossible_time" else "dead_lettered")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (answer("a", rating=6), "bad_payload"),
        (answer("a", comment="a\x00b"), "nul"),
        (answer("a", service="visa"), "unknown_service"),
        (changed(answer("a"), type="civiloop.feedback.corrected.v1"), "unknown_type"),
        (Sent(b"elsewhere", answer("a").value), "wrong_key"),
        (Sent(b"elsewhere", erasure("a").value), "wrong_key"),
        (answer("a", at=NOW + timedelta(days=2)), "impossible_time"),
    ],
)
async def test_a_bad_answer_is_set_aside_with_its_reason(book: ServiceBook, sent: Sent, reason: str) -> None:
    found = sort_one(AnswerReader(book), sent)

    assert isinstance(found, DeadLetter)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (measurement("rent", 1.0001, event_id="a"), "bad_payload"),
        (measurement("rent", 1, event_id="a", occurred_at=None), "bad_payload"),
        (changed(measurement("rent", 1, event_id="a"), type="x"), "unknown_type"),
        (Sent(b"permit/other", measurement("rent", 1, event_id="a").value), "wrong_key"),
        (
            measurement("rent", 1, event_id="a", period_from="1990-01-01T00:00:00Z", period_to="2026-01-01T00:00:00Z"),
            "period_too_long",
        ),
    ],
)
async def test_a_bad_measurement_is_set_aside_with_its_reason(book: ServiceBook, sent: Sent, reason: str) -> None:
    found = sort_one(MeasurementReader(book), sent)

    assert isinstance(found, DeadLetter)
    assert found.reason == reason


async def test_a_text_that_only_looks_like_nul_is_taken(book: ServiceBook) -> None:
    assert isinstance(sort_one(AnswerReader(book), answer("a", comment="it says \\u0000 here")), Arrival)


async def test_the_detail_of_a_letter_names_fields_and_never_repeats_the_input(book: ServiceBook) -> None:
    sent = answer("a", rating="secret words", segments={"my name is Maria": "x"})

    found = sort_one(AnswerReader(book), sent)

    assert isinstance(found, DeadLetter)
    assert "rating" in found.detail
    assert "secret" not in found.detail
    assert "Maria" not in found.detail


async def test_a_letter_of_feedback_tells_service_and_day_only_if_its_identity_is_right(book: ServiceBook) -> None:
    ours = sort_one(AnswerReader(book), answer("a", rating=9))
    strays = sort_one(
        AnswerReader(book), Sent(b"x", event("civiloop.feedback.received.v1", "a", {"service": "permit"}))
    )

    assert isinstance(ours, DeadLetter)
    assert isinstance(strays, DeadLetter)
    assert (ours.body, ours.service, ours.received_day) == (BODY, "permit", NOW.date())
    assert strays.received_day is None


async def test_good_records_go_on_beside_bad_ones(book: ServiceBook) -> None:
    records = numbered([journey_event("started"), Sent(b"x", b"{"), journey_event("fulfilled")])

    arrivals, letters = sort_out(records, JourneyReader(book))

    assert [one.record.offset for one in arrivals] == [0, 2]
    assert [one.record.offset for one in letters] == [1]
