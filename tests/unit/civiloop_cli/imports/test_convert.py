"""Rows become items; the same rows always become the same items."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from civiloop_cli.imports.convert import Converter
from civiloop_cli.imports.mapping import FeedbackMapping, JourneyMapping
from civiloop_cli.imports.rows import SourceRow

MAPPING = JourneyMapping.model_validate(
    {
        "kind": "journeys",
        "source": "urn:log",
        "fields": {
            "service": {"constant": "permit"},
            "journey_id": {"column": "case"},
            "channel": {"column": "channel", "values": {"Desk": "counter"}},
            "segments": {"department": {"column": "department"}},
        },
        "events": [
            {"kind": "started", "id": ["case"], "occurred_at": {"column": "start"}},
            {"kind": "step", "id": ["task"], "occurred_at": {"column": "at"}, "step": {"column": "activity"}},
            {"kind": "fulfilled", "id": ["case"], "only_when": "end", "occurred_at": {"column": "end"}},
        ],
    }
)
ROW = {
    "case": "c1",
    "channel": "Desk",
    "department": "General",
    "start": "2011-10-11 13:00:00+02:00",
    "task": "t1",
    "at": "2011-10-12 13:00:00+02:00",
    "activity": "Check",
    "end": "",
}


def row(number: int = 2, **cells: str) -> SourceRow:
    values = {**ROW, **cells}
    return SourceRow(number, list(values.values()), values)


def test_a_row_tells_of_the_case_and_of_its_activity() -> None:
    converted = Converter(MAPPING).convert(row(end="2011-10-13T00:00:00Z"))
    shared = {
        "source": "urn:log",
        "service": "permit",
        "journey_id": "c1",
        "channel": "counter",
        "segments": {"department": "General"},
    }
    assert converted.items == (
        {"id": "started/c1", "kind": "started", **shared, "occurred_at": "2011-10-11T11:00:00Z"},
        {"id": "step/t1", "kind": "step", **shared, "step": "Check", "occurred_at": "2011-10-12T11:00:00Z"},
        {"id": "fulfilled/c1", "kind": "fulfilled", **shared, "occurred_at": "2011-10-13T00:00:00Z"},
    )


def test_without_an_end_there_is_no_end() -> None:
    assert [item["kind"] for item in Converter(MAPPING).convert(row()).items] == ["started", "step"]


def test_what_several_rows_tell_of_is_given_once() -> None:
    converter = Converter(MAPPING)
    converter.convert(row())
    again = converter.convert(row(3, task="t2"))
    assert [item["id"] for item in again.items] == ["step/t2"]
    assert again.repeated == 1


def test_a_row_that_contradicts_an_earlier_one_is_refused_whole() -> None:
    converter = Converter(MAPPING)
    converter.convert(row())
    converted = converter.convert(row(3, task="t2", start="2011-10-11 14:00:00+02:00"))
    assert converted.items == ()
    [fault] = converted.faults
    assert (fault.row, fault.field, fault.reason) == (3, "id", "row 2 has the same id and says something else")


def test_an_item_that_was_not_taken_is_given_again() -> None:
    converter = Converter(MAPPING)
    for item in converter.convert(row()).items:
        converter.forget(item)
    assert [item["id"] for item in converter.convert(row(3, task="t2")).items] == ["started/c1", "step/t2"]


def test_all_faults_of_a_row_are_told_and_none_of_its_events_is_given() -> None:
    converted = Converter(MAPPING).convert(row(channel="Fax", start="soon", task="", case=""))
    assert converted.items == ()
    assert {fault.field for fault in converted.faults} == {"channel", "occurred_at", "id", "journey_id"}


def test_a_row_of_another_length_than_the_header_is_refused() -> None:
    converted = Converter(MAPPING).convert(SourceRow(7, ["x"], {"case": "x"}, "has 1 cells, the header 8"))
    assert [fault.reason for fault in converted.faults] == ["has 1 cells, the header 8"]


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=2, max_size=2, unique=True))
def test_different_cells_never_make_the_same_id(pairs: list[tuple[str, str]]) -> None:
    mapping = MAPPING.model_copy(update={"events": (MAPPING.events[1].model_copy(update={"id": ("case", "task")}),)})
    ids = [item["id"] for case, task in pairs for item in Converter(mapping).convert(row(case=case, task=task)).items]
    distinct = {(case.strip(), task.strip()) for case, task in pairs}
    assert len(set(ids)) == len(ids) or len(distinct) < len(pairs)
    assert all(1 <= len(event_id) <= 200 for event_id in ids)


def test_an_answer_is_one_item_with_numbers_and_flags() -> None:
    mapping = FeedbackMapping.model_validate(
        {
            "kind": "feedback",
            "source": "urn:survey",
            "id": ["nr"],
            "fields": {
                "service": {"constant": "permit"},
                "channel": {"constant": "web"},
                "occurred_at": {"column": "when"},
                "rating": {"column": "stars", "values": {"*****": "5"}},
                "assisted_digital": {"column": "helped"},
                "comment": {"column": "words"},
            },
        }
    )
    cells: dict[str, Any] = {"nr": "17", "when": "2026-01-01T00:00:00Z", "stars": "*****", "helped": "no", "words": ""}
    converted = Converter(mapping).convert(SourceRow(2, list(cells.values()), cells))
    assert converted.items == (
        {
            "id": "17",
            "source": "urn:survey",
            "service": "permit",
            "channel": "web",
            "occurred_at": "2026-01-01T00:00:00Z",
            "rating": 5,
            "assisted_digital": False,
        },
    )


def test_a_register_of_complaints_is_feedback_of_that_kind() -> None:
    fields = {name: {"constant": text} for name, text in (("service", "permit"), ("channel", "letter"))}
    mapping = FeedbackMapping.model_validate(
        {
            "kind": "feedback",
            "source": "urn:register",
            "id": ["nr"],
            "fields": {**fields, "occurred_at": {"column": "at"}, "kind": {"constant": "complaint"}},
        }
    )
    cells = {"nr": "1", "at": "2026-10-01T09:00:00Z"}
    [item] = Converter(mapping).convert(SourceRow(2, list(cells.values()), cells)).items
    assert item["kind"] == "complaint"


def test_answers_to_questions_are_put_together_and_numbers_are_numbers() -> None:
    mapping = FeedbackMapping.model_validate(
        {
            "kind": "feedback",
            "source": "urn:survey",
            "id": ["nr"],
            "fields": {
                "service": {"constant": "permit"},
                "channel": {"constant": "counter"},
                "occurred_at": {"column": "at"},
                "answers": {
                    "jdma-clarity": {"column": "clarity"},
                    "jdma-satisfaction": {"column": "how", "values": {"Bien": "good"}},
                    "jdma-help-needed": {"column": "help"},
                },
            },
        }
    )
    cells = {"nr": "1", "at": "2026-10-01T09:00:00Z", "clarity": "4", "how": "Bien", "help": ""}
    [item] = Converter(mapping).convert(SourceRow(2, list(cells.values()), cells)).items
    assert item["answers"] == {"jdma-clarity": 4, "jdma-satisfaction": "good"}  # what is empty was skipped
