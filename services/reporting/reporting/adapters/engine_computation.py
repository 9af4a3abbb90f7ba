"""Asks the evaluation engine over HTTP for what is not stored, with the caller's own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from civiloop_shared.errors import (
    CiviloopError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
    ValidationError,
    ValidationFault,
)
from civiloop_shared.observability import current_trace
from reporting.errors import UnknownKpiError, UnknownServiceError

_REFUSALS: dict[int, type[CiviloopError]] = {401: UnauthorisedError, 403: ForbiddenError, 404: NotFoundError}
_BY_CODE: dict[str, type[CiviloopError]] = {error.code: error for error in (UnknownServiceError, UnknownKpiError)}


@dataclass(frozen=True, slots=True)
class EngineComputation:
    """``Computation`` by the engine's API; ``client`` has its base address and deadline."""

    client: httpx.AsyncClient

    async def scorecard(self, service: str, period: str, *, key: str) -> dict[str, Any]:
        """Return the scorecard of any period."""
        return await self._get(f"/v1/services/{service}/scorecard", {"period": period}, key)

    async def series(self, service: str, kpi: str, query: dict[str, str], *, key: str) -> dict[str, Any]:
        """Return one KPI over time."""
        return await self._get(f"/v1/services/{service}/kpis/{kpi}/series", query, key)

    async def _get(self, path: str, query: dict[str, str], key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        trace = current_trace()
        if trace is not None:
            headers["traceparent"] = trace.traceparent()
        try:
            response = await self.client.get(path, params=query, headers=headers)
        except httpx.HTTPError as error:
            raise _unavailable() from error
        if response.status_code == httpx.codes.OK:
            answer: dict[str, Any] = response.json()
            return answer
        raise _refusal(response)


def _unavailable(retry_after: float = 2.0) -> UnavailableError:
    return UnavailableError(
        "what is stored can be read; what must be computed can't", retry_after=retry_after, dependency="engine"
    )


def _refusal(response: httpx.Response) -> CiviloopError:
    """Return the engine's problem as the same error of ours, so that the caller sees field and reason."""
    told = _problem(response)
    known = _REFUSALS.get(response.status_code)
    if known is not None:
        return _BY_CODE.get(told.get("code", ""), known)(str(told.get("detail", "")))
    if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        faults = told.get("errors", [])
        return ValidationError(faults=[ValidationFault(fault["field"], fault["reason"]) for fault in faults])
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimitedError("the engine is asked too often", retry_after=_retry_after(response))
    return _unavailable(_retry_after(response))


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return float(given) if given.isdigit() else 2.0
