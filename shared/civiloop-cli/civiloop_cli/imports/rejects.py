"""The rows that were not taken: kept with all their columns, to be mended and imported again."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from civiloop_cli.imports.errors import InputFileError

OWN_COLUMNS = ("civiloop_row", "civiloop_field", "civiloop_reason")
_KEPT_IN_REPORT = 20
_RUN_BY_SPREADSHEETS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the full-width twins are meant
_QUOTE = "'"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that was not taken and one reason for it."""

    row: int
    field: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {"row": self.row, "field": self.field, "reason": self.reason}


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet runs: an apostrophe before it, which ``restored`` takes away again."""
    bare = cell.lstrip("\ufeff\u00a0 ")
    return _QUOTE + cell if bare.startswith(_RUN_BY_SPREADSHEETS) or cell.startswith(_QUOTE) else cell


def restored(cell: str) -> str:
    """Undo ``defused``."""
    return cell.removeprefix(_QUOTE)


@dataclass(slots=True)
class RejectedRows:
    """Writes rejected rows as they come, into a file that is made with the first one; keeps the first few faults."""

    path: Path
    header: list[str]
    count: int = 0
    faults: int = 0
    first: list[Rejected] = field(default_factory=list)
    _file: Any = None
    _writer: Any = None

    def add(self, cells: list[str], faults: list[Rejected]) -> None:
        """Note one row with all that is wrong with it.

        Raises:
            InputFileError: the file can't be written.
        """
        if self._writer is None:
            self._open()
        joined = ("; ".join(dict.fromkeys(texts)) for texts in ((f.field for f in faults), (f.reason for f in faults)))
        self._writer.writerow([faults[0].row, *joined, *map(defused, cells)])
        self.count += 1
        self.faults += len(faults)
        self.first.extend(faults[: _KEPT_IN_REPORT - len(self.first)])

    def close(self) -> None:
        """Finish the file. Without a rejected row there is none."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        try:
            # What citizens wrote may be in it.
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise InputFileError(f"{self.path} can't be written: {error.strerror}") from error
        self._file = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*OWN_COLUMNS, *self.header])
