"""The walk over all routes that finds what nobody declared."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute

from civiloop_shared.edge.policy import RoutePolicy
from civiloop_shared.edge.router import EdgeRoute

_LONGEST_TIMEOUT_S = 120.0
_LARGEST_BODY = 64 * 1024 * 1024
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def walk_routes(app: FastAPI) -> list[str]:
    """Return one line per fault: a route without policy, or a policy with a gap. Empty when all is declared."""
    return [f"{_name(route)}: {fault}" for route in app.router.routes for fault in _faults(route)]


def _name(route: BaseRoute) -> str:
    methods = ",".join(sorted(getattr(route, "methods", None) or ()))
    return f"{methods} {getattr(route, 'path', type(route).__name__)}".strip()


def _faults(route: BaseRoute) -> Iterator[str]:
    if not isinstance(route, EdgeRoute):
        yield "is not declared with a policy"
        return
    policy = route.policy
    if not policy.limit.name or policy.limit.per_second <= 0 or policy.limit.burst < 1:
        yield "has no limit"
    if not 0 <= policy.body_cap <= _LARGEST_BODY:
        yield "has no sensible body cap"
    if not 0 < policy.timeout <= _LONGEST_TIMEOUT_S:
        yield "has no sensible timeout"
    if policy.example is None:
        yield "has no example"
    yield from _body_faults(route, policy)


def _body_faults(route: EdgeRoute, policy: RoutePolicy) -> Iterator[str]:
    if route.body_field is not None and policy.body_cap == 0:
        yield "takes a body but its cap is 0"
    if policy.body_cap > 0 and not (route.methods or set()) & (_WITH_BODY | {"DELETE"}):
        yield "has a body cap but no method that takes a body"
    if policy.body_cap > 0 and not policy.media_types:
        yield "has no media type"
