"""What every route declares about itself: who may call it, how often, how much, how long, with which errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from civiloop_shared.contracts.catalogue import Scope
from civiloop_shared.errors import CiviloopError


class Public(Enum):
    """The permission of routes that need no key."""

    PUBLIC = "public"


PUBLIC: Final = Public.PUBLIC

KIB: Final = 1024
MIB: Final = 1024 * KIB

JSON_TYPES: Final = ("application/json",)
"""Media types of an ordinary JSON body."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A class of requests that share a token bucket, one per key (per address on public routes).

    The numbers are defaults: ``CIVILOOP_LIMITS='{"<name>": {"per_second": 5, "burst": 10}}'`` replaces them.
    """

    name: str
    per_second: float
    burst: int


INGEST: Final = Limit("ingest", per_second=20_000, burst=40_000)
READ: Final = Limit("read", per_second=200, burst=400)
MANAGE: Final = Limit("manage", per_second=50, burst=200)
PUBLIC_READ: Final = Limit("public", per_second=200, burst=2_000)
"""For people without a key: generous, because hundreds of them may share one address."""
OPS: Final = Limit("ops", per_second=500, burst=1_000)
"""For scrapers and health checks."""
UNAUTHENTICATED: Final = Limit("unauthenticated", per_second=100, burst=1_000)
"""Taken from an address for each request that shows no valid key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    """Everything the edge enforces and documents for one route.

    Attributes:
        permission: the scope that a key needs, or ``PUBLIC``.
        limit: the bucket that a request is taken from.
        body_cap: the largest body in bytes; 0 for routes that take none.
        timeout: seconds until the answer is 503.
        example: an example of the request body, or of the answer where there is no body.
        errors: the errors that the route raises, beyond those that the edge adds by itself
            (400, 401, 403, 413, 415, 422, 429, 500, 503 where they apply).
        media_types: of the body, without parameters. JSON types are read by ``strict_json`` before the endpoint runs.
        body: ``json`` reads the body strictly, ``raw`` hands the bytes to the endpoint (``await request.body()``).
        body_schema: the type of the body (a pydantic model or any annotation), for the documentation of endpoints that
            parse it themselves with ``parse_model``. Those with a body parameter need none.
        requires: names of readiness checks without which the route answers 503 before it reads the body.
        sheds: whether the route is refused when the process has too much in flight.
    """

    permission: Scope | Public
    limit: Limit
    body_cap: int
    timeout: float
    example: Any
    errors: tuple[type[CiviloopError], ...]
    media_types: tuple[str, ...] = JSON_TYPES
    body: Literal["json", "raw"] = "json"
    body_schema: Any = None
    requires: tuple[str, ...] = ()
    sheds: bool = True
    media_type_set: frozenset[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "media_type_set", frozenset(name.encode() for name in self.media_types))


OPS_POLICY: Final = RoutePolicy(
    permission=PUBLIC, limit=OPS, body_cap=0, timeout=5.0, example={"status": "alive"}, errors=(), sheds=False
)
"""For health, readiness, metrics and the documentation."""
