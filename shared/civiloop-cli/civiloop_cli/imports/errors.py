"""What can go wrong in an import.

CommandError
└── ImportFailedError
    ├── MappingError       the mapping file can't be used; carries every fault with its line
    ├── InputFileError     the CSV can't be read
    └── UploadError        the platform does not take it: no address, no right, no answer for too long
"""

from __future__ import annotations

from civiloop_cli.errors import CommandError


class ImportFailedError(CommandError):
    """Root of the errors of an import."""

    code = "import_failed"


class MappingError(ImportFailedError):
    """The mapping file can't be used. ``faults`` are lines such as ``map.yaml:12 events.0.kind: not a kind``."""

    code = "mapping_invalid"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the mapping can't be used:\n  " + "\n  ".join(faults))
        self.faults = faults


class InputFileError(ImportFailedError):
    """The CSV can't be read."""

    code = "input_unreadable"


class UploadError(ImportFailedError):
    """The platform does not take it."""

    code = "upload_failed"
