"""The import: read rows, convert, post in batches, keep what was not taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from civiloop_cli.imports.convert import Converted, Converter, Item
from civiloop_cli.imports.rejects import Rejected, RejectedRows
from civiloop_cli.imports.rows import CsvRows
from civiloop_cli.imports.upload import MOST_BYTES, MOST_ITEMS, ItemFault, Uploader


@dataclass(slots=True)
class ImportReport:
    """What became of the rows. ``repeated`` items were told of by more than one row and given once."""

    rows: int = 0
    taken_rows: int = 0
    items: int = 0
    repeated: int = 0
    rejected_rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rejected_file: str | None = None
    dry_run: bool = False
    observed_until: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for ``--json``; ``rejected`` has the first few faults, the file has all."""
        return {
            "rows": self.rows,
            "taken_rows": self.taken_rows,
            "items": self.items,
            "repeated": self.repeated,
            "rejected_rows": self.rejected_rows,
            "rejected": [fault.as_json() for fault in self.rejected],
            "rejected_file": self.rejected_file,
            "dry_run": self.dry_run,
            "observed_until": self.observed_until,
        }


class Import:
    """One file on its way in. ``progressed`` is told how many bytes of the file were read."""

    def __init__(
        self,
        converter: Converter,
        uploader: Uploader,
        rejected: RejectedRows,
        *,
        progressed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._converter = converter
        self._uploader = uploader
        self._rejected = rejected
        self._progressed = progressed
        self._waiting: list[Converted] = []
        self._items = 0
        self._bytes = 0
        self.report = ImportReport(dry_run=uploader.dry_run, observed_until=uploader.observed_until)

    def run(self, rows: CsvRows) -> ImportReport:
        """Take in all rows.

        Raises:
            InputFileError: the file can't be read on; what was posted before is in.
            UploadError: the platform does not take more; what was posted before is in.
        """
        for row in rows:
            self.report.rows += 1
            self._take(self._converter.convert(row))
            if self.report.rows % 200 == 0:
                self._progressed(rows.bytes_read)
        self._flush()
        self._progressed(rows.bytes_read)
        self.report.rejected_rows = self._rejected.count
        self.report.rejected = self._rejected.first
        self.report.rejected_file = str(self._rejected.path) if self._rejected.count else None
        return self.report

    def _take(self, converted: Converted) -> None:
        if converted.faults:
            self._rejected.add(converted.row.cells, list(converted.faults))
            return
        size = sum(len(orjson.dumps(item)) + 1 for item in converted.items)
        if self._items + len(converted.items) > MOST_ITEMS or self._bytes + size > MOST_BYTES:
            self._flush()
        self._waiting.append(converted)
        self._items += len(converted.items)
        self._bytes += size

    def _flush(self) -> None:
        rows, self._waiting, self._items, self._bytes = self._waiting, [], 0, 0
        while rows:
            refused = self._post(rows)
            good = [converted for number, converted in enumerate(rows) if number not in refused]
            if refused and self._uploader.endpoint.whole:
                rows = good
                continue
            self._count(good)
            break

    def _post(self, rows: list[Converted]) -> set[int]:
        """Post the items of rows; return the numbers (in the list) of those that were not taken."""
        items: list[Item] = []
        owner: list[int] = []
        for number, converted in enumerate(rows):
            items.extend(converted.items)
            owner.extend([number] * len(converted.items))
        by_row: dict[int, list[ItemFault]] = {}
        for fault in self._uploader.post(items) if items else []:
            by_row.setdefault(owner[fault.index], []).append(fault)
        for number in sorted(by_row):
            self._refuse(rows[number], by_row[number])
        return set(by_row)

    def _refuse(self, converted: Converted, faults: list[ItemFault]) -> None:
        for item in converted.items:
            self._converter.forget(item)
        number = converted.row.number
        unique = dict.fromkeys((fault.field, fault.reason) for fault in faults)
        self._rejected.add(converted.row.cells, [Rejected(number, *fault) for fault in unique])

    def _count(self, rows: list[Converted]) -> None:
        self.report.taken_rows += len(rows)
        self.report.items += sum(len(converted.items) for converted in rows)
        self.report.repeated += sum(converted.repeated for converted in rows)
