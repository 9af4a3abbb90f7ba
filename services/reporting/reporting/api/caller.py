"""What every route here takes from its caller."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.requests import Request

ServiceId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Id of a service.")]
KpiId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Id of a KPI.")]


def key_of(request: Request) -> str:
    """Return the caller's key, which the edge has checked, to ask the engine with."""
    given = request.headers.get("authorization", "")
    return given.partition(" ")[2].strip() if given else request.headers.get("x-api-key", "")
