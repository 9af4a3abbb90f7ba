"""The request as endpoints see it: the edge has read the body and knows the caller."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Depends, Request

from civiloop_shared.auth.principal import Principal
from civiloop_shared.edge.strict_json import strict_json
from civiloop_shared.errors import UnauthorisedError

BODY_KEY = "civiloop.body"
JSON_KEY = "civiloop.json"
PRINCIPAL_KEY = "civiloop.principal"
RUNTIME_KEY = "civiloop.edge"
HEADERS_KEY = "civiloop.headers"
TRACE_KEY = "civiloop.trace"


class EdgeRequest(Request):
    """A request whose body was read within its limits. Endpoints may ask for it by type."""

    @property
    def principal(self) -> Principal:
        """Return who is calling. Raises ``UnauthorisedError`` on public routes."""
        principal: Principal | None = self.scope.get(PRINCIPAL_KEY)
        if principal is None:
            raise UnauthorisedError
        return principal

    async def body(self) -> bytes:
        """Return the bytes of the body."""
        body: bytes = self.scope.get(BODY_KEY, b"")
        return body

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body, for form parsers."""
        yield await self.body()
        yield b""

    async def json(self) -> Any:
        """Return the body, read strictly."""
        if JSON_KEY not in self.scope:
            self.scope[JSON_KEY] = strict_json(await self.body())
        return self.scope[JSON_KEY]


async def principal_of(request: Request) -> Principal:
    """Return who is calling; for ``Depends``."""
    principal: Principal | None = request.scope.get(PRINCIPAL_KEY)
    if principal is None:
        raise UnauthorisedError
    return principal


CurrentPrincipal = Annotated[Principal, Depends(principal_of)]
"""Declare a parameter of this type to get the caller. (``request.principal`` of an ``EdgeRequest`` costs less.)"""
