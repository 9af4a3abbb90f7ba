"""Errors of this service.

CiviloopError
└── ConflictError
    ├── IdReusedError      the id stands for another feedback already
    ├── KeyReusedError     the Idempotency-Key stands for another request already
    ├── InFlightError      the same Idempotency-Key is being worked on
    └── ErasedError        the person took it back; a retry can't bring it back
"""

from __future__ import annotations

from civiloop_shared.errors import ConflictError


class IdReusedError(ConflictError):
    """This id was used before with other content. Send new feedback with a new id."""

    code = "id-reused"
    title = "This id stands for another feedback"


class KeyReusedError(ConflictError):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key stands for another request"


class InFlightError(ConflictError):
    """A request with this Idempotency-Key is being answered right now. Wait for it, then ask again."""

    code = "in-flight"
    title = "This request is being worked on"


class ErasedError(ConflictError):
    """The feedback was erased at its giver's wish. A retry can't bring it back."""

    code = "erased"
    title = "This feedback was erased"
