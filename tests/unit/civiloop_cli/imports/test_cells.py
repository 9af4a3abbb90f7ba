"""Cells become values, or a fault that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from civiloop_cli.imports.cells import CellFault, value_of
from civiloop_cli.imports.mapping import Cell, Times

ISO = Times()


def read(name: str, text: str, *, times: Times = ISO, **cell: Any) -> Any:
    return value_of(name, Cell(column="c", **cell), {"c": text}, times)


def reason(name: str, text: str, *, times: Times = ISO, **cell: Any) -> str:
    with pytest.raises(CellFault) as caught:
        read(name, text, times=times, **cell)
    assert caught.value.field == name
    assert text.strip() not in caught.value.reason
    return caught.value.reason


def test_an_empty_cell_is_absent_or_its_default() -> None:
    assert read("step", "  ") is None
    assert read("step", "", default="form") == "form"


def test_a_value_map_translates_and_refuses_what_it_does_not_know() -> None:
    assert read("channel", " Desk ", values={"Desk": "counter"}) == "counter"
    told = reason("channel", "Fax machine", values={"Desk": "counter"})
    assert told == "is not among the values of the mapping (column c)"
    assert read("channel", "Fax", values={"Desk": "counter"}, others="absent") is None
    assert read("channel", "web", values={"Desk": "counter"}, others="keep") == "web"


@pytest.mark.parametrize(("text", "value"), [("4", 4), ("4.0", 4), ("-1", -1)])
def test_numbers_are_whole(text: str, value: int) -> None:
    assert read("rating", text) == value


@pytest.mark.parametrize("text", ["4.5", "four", "nan", "inf", "1e999"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    assert reason("rating", text).startswith("is not a whole number")


def test_flags_are_yes_or_no() -> None:
    assert [read("assisted_digital", text) for text in ("yes", "No", "TRUE", "0")] == [True, False, True, False]
    assert reason("assisted_digital", "maybe").startswith("is neither yes nor no")


@pytest.mark.parametrize(
    ("text", "times", "utc"),
    [
        ("2011-10-11 13:42:22.688000+02:00", Times(), "2011-10-11T11:42:22.688000Z"),
        ("2012-01-20T16:08:56Z", Times(), "2012-01-20T16:08:56Z"),
        ("24/11/2026 09:15", Times(formats=("%d/%m/%Y %H:%M",), zone="Europe/Athens"), "2026-11-24T07:15:00Z"),
        ("24.11.2026", Times(formats=("iso", "%d.%m.%Y"), zone="Europe/Athens"), "2026-11-23T22:00:00Z"),
        ("1318333342.688", Times(formats=("unix_s",)), "2011-10-11T11:42:22.688000Z"),
        ("1318333342688", Times(formats=("unix_ms",)), "2011-10-11T11:42:22.688000Z"),
        # The hour that Athens has twice is the first of the two.
        ("2026-10-25T03:30:00", Times(zone="Europe/Athens"), "2026-10-25T00:30:00Z"),
    ],
)
def test_times_are_read_as_the_mapping_says(text: str, times: Times, utc: str) -> None:
    assert read("occurred_at", text, times=times) == utc


@pytest.mark.parametrize(
    ("text", "times", "told"),
    [
        ("yesterday", Times(), "is not a time as the mapping describes it"),
        ("2026-02-30 00:00:00Z", Times(), "is not a time as the mapping describes it"),
        ("2026-01-01 00:00:00", Times(), "has no offset, and the mapping gives no zone"),
        ("2026-03-29 03:30:00", Times(zone="Europe/Athens"), "never was on the clock"),
        ("0001-01-01 00:00:00", Times(zone="Asia/Tehran"), "is not a time as the mapping describes it"),
        ("1e400", Times(formats=("unix_s",)), "is not a time as the mapping describes it"),
    ],
)
def test_times_that_cannot_be_are_refused(text: str, times: Times, told: str) -> None:
    assert reason("occurred_at", text, times=times).startswith(told)


def test_a_column_may_have_its_own_way_to_write_times() -> None:
    assert (
        value_of("occurred_at", Cell(column="c", times=Times(formats=("unix_s",))), {"c": "0"}, Times())
        == "1970-01-01T00:00:00Z"
    )


def test_nul_cannot_travel() -> None:
    assert reason("comment", "a\x00b").startswith("contains the character NUL")
