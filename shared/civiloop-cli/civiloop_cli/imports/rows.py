"""Read a CSV row by row, however long it is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from civiloop_cli.imports.errors import InputFileError
from civiloop_cli.imports.mapping import FileFormat
from civiloop_cli.imports.rejects import OWN_COLUMNS, restored

_FIRST_DATA_ROW = 2


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row. ``number`` is the one a spreadsheet shows: the header is row 1."""

    number: int
    cells: list[str]
    values: dict[str, str]
    fault: str = ""


class CsvRows:
    """The rows of an open file; ``header`` is known at once. A file of rejected rows is read as what it was made of."""

    def __init__(self, file: TextIO, path: Path, form: FileFormat) -> None:
        self._file = file
        self._path = path
        self._reader = csv.reader(file, delimiter=form.delimiter, quotechar=form.quote, strict=True)
        first = self._next()
        if not first:
            raise InputFileError(f"{path.name} is empty: the first row must name the columns")
        self._is_ours = tuple(first[: len(OWN_COLUMNS)]) == OWN_COLUMNS
        self.header = self._original(first)
        doubled = sorted({name for name in self.header if self.header.count(name) > 1})
        if doubled:
            raise InputFileError(f"{path.name} has these columns more than once: {', '.join(doubled)}")

    @property
    def bytes_read(self) -> int:
        """How far in the file we are."""
        return self._file.buffer.tell()

    def __iter__(self) -> Iterator[SourceRow]:
        number = _FIRST_DATA_ROW - 1
        while (read := self._next()) is not None:
            number += 1
            if not any(read):
                continue
            cells = self._original(read)
            fault = "" if len(cells) == len(self.header) else f"has {len(cells)} cells, the header {len(self.header)}"
            yield SourceRow(number, cells, dict(zip(self.header, cells, strict=False)), fault)

    def _original(self, cells: list[str]) -> list[str]:
        return [restored(cell) for cell in cells[len(OWN_COLUMNS) :]] if self._is_ours else cells

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise InputFileError(f"{self._path.name}, line {self._reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise InputFileError(
                f"{self._path.name} is not {error.encoding} text near line {self._reader.line_num + 1}",
                hints=("say in the mapping how it is written, such as file: {encoding: iso-8859-7}",),
            ) from error


@contextmanager
def open_rows(path: Path, form: FileFormat) -> Iterator[CsvRows]:
    """Open a CSV.

    Raises:
        InputFileError: it can't be read, here or while its rows are read.
    """
    try:
        file = path.open(encoding=form.encoding, newline="")
    except OSError as error:
        raise InputFileError(f"{path} can't be read: {error.strerror}") from error
    with file:
        yield CsvRows(file, path, form)
