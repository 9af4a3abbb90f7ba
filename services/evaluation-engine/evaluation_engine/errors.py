"""Errors of the evaluation engine.

CiviloopError
├── ValidationError
│   └── CatalogueRefusedError      files of a catalogue break rules; carries every ``CatalogueFault``
├── ConflictError
│   ├── FactsGoneError             a rebuild asks for months whose facts were let go
│   ├── CatalogueChangedError      somebody else applied a catalogue meanwhile
│   └── WebhooksOffError           the installation has no key to keep secrets of webhooks with
├── NotFoundError
│   ├── UnknownServiceError
│   ├── UnknownKpiError
│   ├── UnknownBenchmarkError
│   ├── UnknownKeyError
│   ├── UnknownQuoteError          not among the quotes that may be released, or not released
│   └── UnknownWebhookError
└── FencedError                        another worker owns the partition now
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from civiloop_shared.errors import CiviloopError, ConflictError, NotFoundError, ValidationError, ValidationFault


@dataclass(frozen=True, slots=True, order=True)
class CatalogueFault:
    """One thing that is wrong in a catalogue file, where it stands, and why. A warning doesn't stop an apply."""

    file: str
    line: int
    field: str
    reason: str
    severity: Literal["error", "warning"] = "error"


class CatalogueRefusedError(ValidationError):
    """Nothing was applied: ``catalogue_faults`` lists every fault of every file."""

    code: ClassVar[str] = "catalogue-refused"
    title: ClassVar[str] = "The catalogue has faults; nothing was applied"

    def __init__(self, faults: Iterable[CatalogueFault]) -> None:
        self.catalogue_faults = tuple(faults)
        super().__init__(
            faults=(ValidationFault(f"{f.file}:{f.line}: {f.field}", f.reason) for f in self.catalogue_faults)
        )


class CatalogueChangedError(ConflictError):
    """The catalogue is no longer the one that the plan was made against."""

    code: ClassVar[str] = "catalogue-changed"
    title: ClassVar[str] = "The catalogue was changed by somebody else meanwhile; plan again"


class FactsGoneError(ConflictError):
    """Nothing was rebuilt: without their facts, aggregates would be wiped and not made anew."""

    code: ClassVar[str] = "facts-gone"
    title: ClassVar[str] = "The facts of this time were let go"

    def __init__(self, first: date) -> None:
        self.first = first
        super().__init__(f"facts of earlier months were let go; the first day that can be rebuilt is {first}")


class UnknownServiceError(NotFoundError):
    """There is no such service in the caller's body."""

    code: ClassVar[str] = "unknown-service"
    title: ClassVar[str] = "There is no such service"


class UnknownKpiError(NotFoundError):
    """There is no such KPI."""

    code: ClassVar[str] = "unknown-kpi"
    title: ClassVar[str] = "There is no such KPI"


class UnknownBenchmarkError(NotFoundError):
    """The service has no such benchmark."""

    code: ClassVar[str] = "unknown-benchmark"
    title: ClassVar[str] = "The service has no such redesign benchmark"


class UnknownKeyError(NotFoundError):
    """There is no such key in the caller's body."""

    code: ClassVar[str] = "unknown-key"
    title: ClassVar[str] = "There is no such key"


class UnknownWebhookError(NotFoundError):
    """There is no such webhook in the caller's body."""

    code: ClassVar[str] = "unknown-webhook"
    title: ClassVar[str] = "There is no such webhook"


class UnknownQuoteError(NotFoundError):
    """The quote isn't there: not among the newest comments of a theme of ten, not released, or erased."""

    code: ClassVar[str] = "unknown-quote"
    title: ClassVar[str] = "There is no such quote"


class WebhooksOffError(ConflictError):
    """The installation has no key to keep the secrets of webhooks with."""

    code: ClassVar[str] = "webhooks-off"
    title: ClassVar[str] = "Webhooks are off: the installation has set no CIVILOOP_WEBHOOK_KEY"


class FencedError(CiviloopError):
    """Another worker has claimed the partition: whatever this one still holds of it is worth nothing."""

    code: ClassVar[str] = "fenced"
    title: ClassVar[str] = "The partition belongs to another worker now"
