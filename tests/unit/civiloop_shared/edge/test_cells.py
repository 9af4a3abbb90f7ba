from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.edge import csv_bytes, defuse_cell

DANGEROUS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x00=1",
    "\x00\x00@x",
    " =1+1",
    "\u00a0=1",
    "\u3000=1",
    "\ufeff=1+1",
    "\u200b=1",
    "\u202e=1",
    "\uff1d1+1",
    "\uff0bcmd",
    "\uff0d1+x",
    "\uff20SUM",
    " \ufeff\u200b\uff1d1",
    "\u207a1+x",
    "\ufe66x",
]


@pytest.mark.parametrize("value", DANGEROUS)
def test_what_a_spreadsheet_would_run_is_made_text(value: str) -> None:
    assert defuse_cell(value).startswith("'")


@pytest.mark.parametrize(
    "value", [0, -5, 3.25, None, True, "-5", "+3.5", "-1,5", "1e-5", "-12%", "", "plain", "a=b", "καλό"]
)
def test_numbers_and_ordinary_text_stay_what_they_are(value: Any) -> None:
    assert defuse_cell(value) == value


def test_a_percent_sign_alone_is_a_unit_and_before_text_it_is_not() -> None:
    assert defuse_cell("%") == "%"
    assert defuse_cell("%1+1") == "'%1+1"


def test_a_telephone_number_with_blanks_is_defused() -> None:
    assert defuse_cell("+30 210 1234567") == "'+30 210 1234567"


@given(st.text(max_size=20))
def test_defusing_twice_changes_nothing_more(value: str) -> None:
    assert defuse_cell(defuse_cell(value)) == defuse_cell(value)


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5))
def test_csv_reads_back_as_it_was_written(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_bytes(["a", "b"], rows).decode(), newline="")))
    assert read == [["a", "b"], *([defuse_cell(cell) for cell in row] for row in rows)]
