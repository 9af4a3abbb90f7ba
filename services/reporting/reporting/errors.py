"""Errors of reporting, under the shared tree.

CiviloopError
├── NotFoundError
│   ├── UnknownServiceError
│   ├── UnknownKpiError
│   └── NothingEvaluatedError   known, but nothing evaluated yet
└── UnavailableError            the engine or PostgreSQL can't be asked now
"""

from __future__ import annotations

from typing import ClassVar

from civiloop_shared.errors import NotFoundError


class UnknownServiceError(NotFoundError):
    """No such service, or not one of the caller's body."""

    code: ClassVar[str] = "unknown-service"
    title: ClassVar[str] = "There is no such service"


class UnknownKpiError(NotFoundError):
    """No KPI of that id."""

    code: ClassVar[str] = "unknown-kpi"
    title: ClassVar[str] = "There is no such KPI"


class NothingEvaluatedError(NotFoundError):
    """The service is known, and nothing has been evaluated yet for what was asked."""

    code: ClassVar[str] = "nothing-evaluated"
    title: ClassVar[str] = "Nothing has been evaluated yet"
