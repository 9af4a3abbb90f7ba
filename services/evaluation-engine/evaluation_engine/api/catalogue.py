"""The catalogue over HTTP: plan, apply, show, and the table of KPIs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from civiloop_shared.edge import (
    KIB,
    MANAGE,
    MIB,
    READ,
    CurrentPrincipal,
    EdgeRequest,
    EdgeRouter,
    Principal,
    RoutePolicy,
    Scope,
    etag_response,
    json_response,
)
from civiloop_shared.errors import ForbiddenError
from evaluation_engine.api.state import Catalogue, NeedsOfService
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.packs import ALL, PACKS
from evaluation_engine.domain.packs.pack import Pack
from evaluation_engine.errors import CatalogueChangedError, CatalogueFault, CatalogueRefusedError
from evaluation_engine.service.catalogue.applying import Order, Plan
from evaluation_engine.service.catalogue.comparing import Change
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.evaluate.needs import NeedsDesk
from evaluation_engine.service.evaluate.yardstick import own_definitions

router = EdgeRouter(prefix="/v1", tags=["catalogue"])

_PATH = r"^[^\x00-\x1f]+$"
_EXAMPLE = {
    "files": [
        {
            "path": "parking.yaml",
            "text": "kind: service\nid: parking-permit\ntitle: {en: Parking permit}\nzone: Europe/Athens\n",
        }
    ]
}


class FileIn(BaseModel):
    """One catalogue file: the path is only for messages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PATH)]
    text: Annotated[str, StringConstraints(max_length=512 * KIB)]


class CatalogueIn(BaseModel):
    """All files of a body's catalogue. What isn't in them is removed, unless ``keep_missing``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: Annotated[tuple[FileIn, ...], Field(min_length=1, max_length=500)]
    keep_missing: bool = False
    expected_version: Annotated[int, Field(ge=0)] | None = None

    def order(self, principal: Principal) -> Order:
        """Return the order of the caller's body. A key that is limited to some services can't change all of them."""
        if principal.services is not None:
            raise ForbiddenError("a key that is limited to some services can't change the catalogue")
        files = tuple(SourceFile(file.path, file.text) for file in self.files)
        return Order(principal.body, files, self.keep_missing, self.expected_version)


@router.post(
    "/catalogue/plan",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=4 * MIB,
        timeout=15.0,
        example=_EXAMPLE,
        errors=(CatalogueRefusedError,),
    ),
)
async def plan_catalogue(
    files: CatalogueIn, catalogue: Catalogue, needs: NeedsOfService, principal: CurrentPrincipal
) -> Response:
    """Say what an apply would change; nothing is stored. Every fault is told with file, line, field and reason.

    ``kpis`` says from which day on each KPI that is new or changed can be computed from what is kept.
    """
    plan = await catalogue.plan(files.order(principal))
    return json_response(
        {
            "body": principal.body,
            "version": plan.version,
            "warnings": _warnings(plan.warnings),
            "changes": _changes(plan.changes),
            "kpis": await _computable(plan, needs, principal.body),
        }
    )


@router.post(
    "/catalogue/apply",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=4 * MIB,
        timeout=20.0,
        example=_EXAMPLE,
        errors=(CatalogueRefusedError, CatalogueChangedError),
    ),
)
async def apply_catalogue(
    files: CatalogueIn, catalogue: Catalogue, needs: NeedsOfService, principal: CurrentPrincipal
) -> Response:
    """Apply all files as one new version, or nothing. Applying the same again changes nothing."""
    applied = await catalogue.apply(files.order(principal), by=principal.key_id)
    return json_response(
        {
            "body": principal.body,
            "version": applied.version,
            "applied": bool(applied.changes),
            "warnings": _warnings(applied.warnings),
            "changes": _changes(applied.changes),
            "kpis": await _computable(applied, needs, principal.body),
        }
    )


@router.get(
    "/catalogue",
    policy=RoutePolicy(
        permission=Scope.READ,
        limit=READ,
        body_cap=0,
        timeout=5.0,
        example={"body": "local", "version": 1, "documents": [], "versions": []},
        errors=(),
    ),
)
async def show_catalogue(
    request: EdgeRequest,
    catalogue: Catalogue,
    principal: CurrentPrincipal,
    versions: Annotated[int, Query(ge=0, le=100)] = 10,
) -> Response:
    """Return all documents of the caller's body in their present version, and what the last versions changed."""
    stored = await catalogue.store.load(principal.body)
    documents = [data for _, data in sorted(stored.documents.items())]
    history = await catalogue.store.versions(principal.body, versions) if versions else []
    body = {"body": principal.body, "version": stored.version, "documents": documents, "versions": history}
    return etag_response(request, body)


@router.get(
    "/kpis",
    policy=RoutePolicy(
        permission=Scope.READ, limit=READ, body_cap=0, timeout=2.0, example={"kpis": [{"id": "csat"}]}, errors=()
    ),
)
async def list_kpis(
    request: EdgeRequest,
    catalogue: Catalogue,
    principal: CurrentPrincipal,
    pack: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Only those of a pack.")] = None,
) -> Response:
    """Return every KPI with its formula, source, interval, minimum and needs: of all packs, then the body's own."""
    own = own_definitions(await catalogue.store.load(principal.body))
    shown = [one for one in (*ALL, *own.values()) if pack in (None, one.pack)]
    return etag_response(request, {"packs": [_pack(one) for one in PACKS.values()], "kpis": list(map(_kpi, shown))})


async def _computable(plan: Plan, needs: NeedsDesk, body: str) -> list[dict[str, Any]]:
    return [
        {"kpi": one.definition.id, "service": service, "state": one.state, "computable_from": one.computable_from}
        for service, one in await needs.edited(body, plan.documents, plan.kpis)
    ]


def _pack(pack: Pack) -> dict[str, Any]:
    return {
        "id": pack.id,
        "title": dict(pack.title),
        "source": pack.source,
        "kpis": [one.id for one in pack.definitions],
        "questions": [question.model_dump(mode="json", exclude_none=True) for question in pack.questions],
    }


def _kpi(definition: Definition) -> dict[str, Any]:
    row = asdict(definition)
    del row["measure"]
    row["where"] = definition.where.text if definition.where is not None else None
    row["kind"] = type(definition.measure).__name__
    row["needs"] = [{"name": need.name, "source": need.source, "fields": need.fields} for need in definition.needs]
    return row


def _warnings(faults: Iterable[CatalogueFault]) -> list[dict[str, Any]]:
    return [{"file": one.file, "line": one.line, "field": one.field, "reason": one.reason} for one in faults]


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [asdict(change) for change in changes]
