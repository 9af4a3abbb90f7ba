"""A mapping is read whole, and everything that is wrong with it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from civiloop_cli.imports.errors import MappingError
from civiloop_cli.imports.mapping import FeedbackMapping, JourneyMapping
from civiloop_cli.imports.mapping_file import Kind, read_mapping, require_columns

GOOD = """\
kind: journeys
source: urn:test
observed_until: 2012-01-23T15:42:54.644+01:00
fields:
  service: {constant: permit}
  journey_id: {column: case}
  assisted_digital: {column: helped, values: {yes: yes, no: no}}
events:
  - kind: started
    id: [case]
    occurred_at: {column: start}
"""


def faults(tmp_path: Path, text: str, kind: Kind = "journeys") -> list[str]:
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_mapping(path, kind)
    return caught.value.faults


def test_yes_and_no_stay_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(GOOD, encoding="utf-8")
    mapping = read_mapping(path, "journeys")
    assert isinstance(mapping, JourneyMapping)
    assert mapping.fields.assisted_digital is not None
    assert mapping.fields.assisted_digital.values == {"yes": "yes", "no": "no"}
    assert mapping.observed_until is not None
    assert mapping.observed_until.isoformat() == "2012-01-23T15:42:54.644000+01:00"
    assert mapping.columns() == {"case", "helped", "start"}


def test_every_fault_is_listed_with_its_line(tmp_path: Path) -> None:
    text = (
        GOOD.replace("started", "begun")
        .replace("{column: case}", "{column: case, constant: x}")
        .replace("fields:", "colour: red\nfields:")
    )
    assert faults(tmp_path, text) == [
        "map.yaml:4 colour: is not a known field",
        "map.yaml:7 fields.journey_id: give either column or constant",
        "map.yaml:10 events.0.kind: Input should be 'started', 'step', 'error', 'help_sought', 'waiting_for_citizen', "
        "'resumed', 'handed_over', 'completed', 'fulfilled', 'refused', 'ineligible', 'withdrawn' or 'abandoned'",
    ]


def test_a_name_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD + "source: urn:other\n") == ["map.yaml:12 'source' stands here twice"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must be a YAML mapping"),
        ("- 1\n", "must be a YAML mapping"),
        ("kind: [\n", "map.yaml:2 "),
        ("a: &x {b: *x}\n", "an anchor contains itself"),
        (GOOD.replace("kind: journeys", "kind: feedback"), "kind: is 'feedback', and this command imports 'journeys'"),
        (GOOD.replace("urn:test", "''"), "source"),
        (GOOD + "times: {zone: Mars/Olympus}\n", "times.zone: not a time zone"),
        (GOOD + "file: {encoding: klingon}\n", "file: not an encoding"),
        (GOOD.replace("[case]", "[]"), "events.0.id"),
        (GOOD + "  - {kind: started, id: [case], occurred_at: {column: x}}\n", "give one of them a name"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(faults(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        read_mapping(tmp_path / "none.yaml", "journeys")


def test_columns_that_the_file_lacks_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        require_columns(read_mapping(path, "journeys"), ["case"], tmp_path / "log.csv")
    assert caught.value.faults == ["log.csv has no column 'helped'", "log.csv has no column 'start'"]


def test_the_mapping_of_the_permit_example_can_be_used() -> None:
    example = Path(__file__).parents[4] / "examples" / "permit-receipts" / "mapping.yaml"
    assert isinstance(read_mapping(example, "journeys"), JourneyMapping)


def test_a_feedback_mapping_names_columns_of_ids_and_fields() -> None:
    mapping = FeedbackMapping.model_validate(
        {
            "kind": "feedback",
            "source": "urn:test",
            "id": ["nr"],
            "fields": {
                "service": {"constant": "permit"},
                "channel": {"column": "how"},
                "occurred_at": {"column": "when"},
                "segments": {"age": {"column": "age"}},
            },
        }
    )
    assert mapping.columns() == {"nr", "how", "when", "age"}
