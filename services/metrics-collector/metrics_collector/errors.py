"""Errors of the metrics-collector. All grow from the shared tree; none is added to it so far.

CiviloopError
├── ValidationError          a batch that can't be taken as a whole (its shape, its ``observed_until``)
└── UnavailableError
    ├── OverloadedError      refused before anything was written
    └── UnknownOutcomeError  Kafka may have it or not: retry with the same ids
"""

from __future__ import annotations

from civiloop_shared.errors import OverloadedError, UnavailableError, UnknownOutcomeError, ValidationError

__all__ = ["OverloadedError", "UnavailableError", "UnknownOutcomeError", "ValidationError"]
