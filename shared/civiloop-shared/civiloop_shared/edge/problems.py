"""Problem documents (RFC 9457) and the one table that says which error is which status."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from civiloop_shared import errors
from civiloop_shared.errors import CiviloopError, ValidationFault
from civiloop_shared.observability.trace import current_trace

PROBLEM_MEDIA_TYPE = "application/problem+json"
_MOST_FAULTS = 100


class MethodNotAllowedError(CiviloopError):
    """The path exists; this method doesn't on it. ``Allow`` lists those that do."""

    code = "method-not-allowed"
    title = "This method is not known here"


COMMON_STATUSES: Mapping[type[CiviloopError], int] = {
    CiviloopError: 500,
    errors.MalformedError: 400,
    errors.UnauthorisedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    MethodNotAllowedError: 405,
    errors.NotAcceptableError: 406,
    errors.ConflictError: 409,
    errors.TooLargeError: 413,
    errors.UnsupportedMediaTypeError: 415,
    errors.ValidationError: 422,
    errors.RateLimitedError: 429,
    errors.HeadersTooLargeError: 431,
    errors.UnavailableError: 503,
}
"""Status of each error of the shared tree; a subclass has its parent's unless it is listed itself."""


class ErrorTable:
    """Which status an error has in one API."""

    def __init__(self, own: Mapping[type[CiviloopError], int] | None = None) -> None:
        self._statuses: dict[type[CiviloopError], int] = {**COMMON_STATUSES, **(own or {})}

    def status_of(self, error: type[CiviloopError]) -> int:
        """Return the status of an error class: its own, or that of its nearest listed parent."""
        for parent in error.__mro__:
            status = self._statuses.get(parent)
            if status is not None:
                return status
        return 500

    def gaps(self, root: type[CiviloopError] = CiviloopError) -> list[str]:
        """Return the names of errors at and under ``root`` without a status; the table is complete without any."""
        return [
            f"{error.__module__}.{error.__qualname__}"
            for error in (root, *subclasses_of(root))
            if error is not CiviloopError and not any(parent in self._statuses for parent in error.__mro__[:-4])
        ]

    def explanations(self) -> dict[str, dict[str, Any]]:
        """Return code → title, status and explanation, for the pages that ``type`` points to."""
        known: list[type[CiviloopError]] = [CiviloopError, *subclasses_of(CiviloopError)]
        return {
            error.code: {
                "code": error.code,
                "title": error.title,
                "status": self.status_of(error),
                "explanation": " ".join((inspect.getdoc(error) or error.title).split()),
            }
            for error in reversed(known)
        }


def subclasses_of(root: type[CiviloopError]) -> Iterator[type[CiviloopError]]:
    """Yield all errors below ``root``."""
    for error in root.__subclasses__():
        yield error
        yield from subclasses_of(error)


def problem(
    status: int,
    code: str,
    title: str,
    *,
    detail: str = "",
    faults: Iterable[ValidationFault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make the answer to a request that failed."""
    trace = current_trace()
    document: dict[str, Any] = {"type": f"/problems/{code}", "title": title, "status": status, "code": code}
    if detail:
        document["detail"] = detail
    document["errors"] = [{"field": fault.field, "reason": fault.reason} for fault in faults][:_MOST_FAULTS]
    document["trace_id"] = trace.trace_id if trace else ""
    return Response(
        orjson.dumps(document), status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=dict(headers or {})
    )


def problem_of(error: CiviloopError, table: ErrorTable) -> Response:
    """Make the answer to an error of ours."""
    status = table.status_of(type(error))
    detail = "" if status == 500 else error.detail
    return problem(
        status, error.code, error.title, detail=detail, faults=error.faults, headers=_headers_of(error, status)
    )


def _headers_of(error: CiviloopError, status: int) -> dict[str, str]:
    headers = {}
    if isinstance(error, (errors.RateLimitedError, errors.UnavailableError)):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="civiloop"'
    if isinstance(error, errors.TooLargeError):
        headers["Connection"] = "close"
    return headers
