"""API keys over HTTP: made, listed, revoked by an admin of the body."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.responses import Response

from civiloop_shared.contracts.catalogue import KeyDefined, Scope
from civiloop_shared.contracts.values import Identifier, Instant
from civiloop_shared.edge import KIB, MANAGE, CurrentPrincipal, EdgeRouter, RoutePolicy, json_response
from evaluation_engine.api.state import Keys
from evaluation_engine.errors import UnknownKeyError
from evaluation_engine.ports.keys import StoredKey
from evaluation_engine.service.keys import KeyOrder

router = EdgeRouter(prefix="/v1", tags=["keys"])

KeyId = Annotated[str, Path(pattern=r"^(civ_)?[A-Za-z0-9]{8,32}$", description="The part between civ_ and the secret.")]


def _naming_twice_is_no_fault(schema: dict[str, Any]) -> None:
    schema.pop("uniqueItems", None)


class KeyIn(BaseModel):
    """A key to be made. ``services`` limits it to some services; a browser key can only write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
    scopes: Annotated[frozenset[Scope], Field(min_length=1, json_schema_extra=_naming_twice_is_no_fault)]
    services: (
        Annotated[
            frozenset[Identifier], Field(min_length=1, max_length=500, json_schema_extra=_naming_twice_is_no_fault)
        ]
        | None
    ) = None
    kind: Literal["server", "browser"] = "server"
    expires_at: Instant | None = None
    body: Identifier | None = Field(
        default=None, description="Another body; for admins of the installation's own body only."
    )

    @model_validator(mode="after")
    def _admins_rule_all(self) -> Self:
        if Scope.ADMIN in self.scopes and self.services is not None:
            raise ValueError("an admin key can't be limited to services")
        return self


@router.post(
    "/keys",
    status_code=201,
    policy=RoutePolicy(
        permission=Scope.ADMIN,
        limit=MANAGE,
        body_cap=16 * KIB,
        timeout=5.0,
        example={"label": "portal", "scopes": ["feedback:write", "telemetry:write"]},
        errors=(),
    ),
)
async def create_key(order: KeyIn, keys: Keys, principal: CurrentPrincipal) -> Response:
    """Make a key. Its text is in this answer and nowhere else."""
    wanted = KeyOrder(
        body=order.body or principal.body,
        label=order.label,
        scopes=order.scopes,
        services=order.services,
        kind=order.kind,
        expires_at=order.expires_at,
    )
    made = await keys.create(wanted, caller_body=principal.body)
    return json_response({**_shown(made.key), "key": made.text}, status_code=201)


@router.get(
    "/keys",
    policy=RoutePolicy(
        permission=Scope.ADMIN, limit=MANAGE, body_cap=0, timeout=5.0, example={"keys": [{"id": "abc"}]}, errors=()
    ),
)
async def list_keys(keys: Keys, principal: CurrentPrincipal) -> Response:
    """Return the keys of the body, revoked ones too, with when they were last used (at this service, to the minute)."""
    return json_response({"keys": [_stored(stored) for stored in await keys.list(principal.body)]})


@router.delete(
    "/keys/{key_id}",
    status_code=204,
    policy=RoutePolicy(
        permission=Scope.ADMIN, limit=MANAGE, body_cap=0, timeout=5.0, example={}, errors=(UnknownKeyError,)
    ),
)
async def revoke_key(key_id: KeyId, keys: Keys, principal: CurrentPrincipal) -> Response:
    """Revoke a key: refused here at once, by all services within 2 s."""
    await keys.revoke(key_id.removeprefix("civ_"), principal.body)
    return Response(status_code=204)


def _stored(stored: StoredKey) -> dict[str, Any]:
    return {**_shown(stored.key), "last_used_at": stored.last_used_at}


def _shown(key: KeyDefined) -> dict[str, Any]:
    shown = key.model_dump(mode="json", exclude={"secret_sha256"})
    return {**shown, "scopes": sorted(shown["scopes"]), "services": sorted(key.services) if key.services else None}
