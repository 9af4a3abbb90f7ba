"""Rebuilds over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from civiloop_shared.contracts.values import Identifier
from civiloop_shared.edge import KIB, MANAGE, CurrentPrincipal, EdgeRouter, RoutePolicy, Scope, json_response
from evaluation_engine.api.ingest_state import Rebuilding
from evaluation_engine.errors import FactsGoneError, UnknownServiceError

router = EdgeRouter(prefix="/v1", tags=["ingest"])

_Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(9000, 1, 1))]


class RebuildIn(BaseModel):
    """Days `[from, to)` of a service, in its own time zone; widened to whole months."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: Identifier
    since: _Day = Field(alias="from")
    until: _Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until <= self.since:
            raise ValueError("to must be after from")
        return self


@router.post(
    "/rebuild",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=4 * KIB,
        timeout=120.0,
        example={"service": "parking-permit", "from": "2026-10-01", "to": "2026-11-01"},
        errors=(UnknownServiceError, FactsGoneError),
    ),
)
async def rebuild(wanted: RebuildIn, rebuilding: Rebuilding, principal: CurrentPrincipal) -> Response:
    """Compute aggregates anew from the facts. `changed` cells were not right; 0 is what one expects."""
    principal.demand_service(wanted.service)
    done = await rebuilding.rebuild(principal.body, wanted.service, wanted.since, wanted.until)
    return json_response(
        {
            "service": wanted.service,
            "from": done.since.isoformat(),
            "to": done.until.isoformat(),
            "cells": done.cells,
            "changed": done.changed,
        }
    )
