"""Rows are read as a spreadsheet counts them, and rejected ones come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiloop_cli.imports.errors import InputFileError
from civiloop_cli.imports.mapping import FileFormat
from civiloop_cli.imports.rejects import Rejected, RejectedRows, defused, restored
from civiloop_cli.imports.rows import SourceRow, open_rows


def rows_of(path: Path, **form: str) -> list[SourceRow]:
    with open_rows(path, FileFormat(**form)) as rows:
        return list(rows)


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_header_is_row_one_and_lines_within_a_cell_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffa,b\n"x\ny",1\n\nz,2\n')
    assert [(row.number, row.values) for row in rows_of(path)] == [
        (2, {"a": "x\ny", "b": "1"}),
        (4, {"a": "z", "b": "2"}),
    ]


def test_a_row_of_another_length_is_marked(tmp_path: Path) -> None:
    rows = rows_of(write(tmp_path, "a,b\n1\n1,2,3\n1,2\n"))
    assert [row.fault for row in rows] == ["has 1 cells, the header 2", "has 3 cells, the header 2", ""]


def test_other_delimiters_and_encodings_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "όνομα;τιμή\nα;β\n", "iso-8859-7")
    assert rows_of(path, delimiter=";", encoding="iso-8859-7")[0].values == {"όνομα": "α", "τιμή": "β"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,a\n1,2\n", "more than once: a"),
        (b"a\n\xff\n", "is not utf-8 text"),
        (b'a\n"x"y\n', "line 2"),
        (b"a\n" + b"x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=told):
        rows_of(path)


def test_rejected_rows_are_read_again_as_what_they_were(tmp_path: Path) -> None:
    cells = ["=1+1", "'quoted", "plain", "  @x", "-5"]
    rejected = RejectedRows(tmp_path / "out.csv", ["a", "b", "c", "d", "e"])
    rejected.add(cells, [Rejected(17, "channel", "is unknown"), Rejected(17, "step", "is empty")])
    rejected.close()
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[1].startswith("17,channel; step,is unknown; is empty,'=1+1,''quoted,plain,")
    [again] = rows_of(tmp_path / "out.csv")
    assert again.cells == cells
    assert again.values["a"] == "=1+1"
    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0


def test_without_a_rejected_row_there_is_no_file(tmp_path: Path) -> None:
    rejected = RejectedRows(tmp_path / "out.csv", ["a"])
    rejected.close()
    assert not (tmp_path / "out.csv").exists()


@given(st.text())
def test_defusing_can_be_undone(cell: str) -> None:
    assert restored(defused(cell)) == cell


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "＝1", "\ufeff=1", " =1"])
def test_no_spreadsheet_runs_a_rejected_cell(cell: str) -> None:
    assert defused(cell).startswith("'")
