"""Routes that carry their policy, and the router that builds none without one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypedDict, TypeVar, Unpack, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from civiloop_shared.edge.guard import guarded
from civiloop_shared.edge.policy import RoutePolicy
from civiloop_shared.edge.request import EdgeRequest

Endpoint = Callable[..., Coroutine[Any, Any, Any]]
E = TypeVar("E", bound=Endpoint)


class RouteOptions(TypedDict, total=False):
    """What FastAPI may be told about a route beside its policy."""

    status_code: int
    response_model: Any
    response_class: type[Response]
    response_description: str
    responses: dict[int | str, dict[str, Any]]
    summary: str
    description: str
    operation_id: str
    name: str
    deprecated: bool
    include_in_schema: bool
    response_model_exclude_none: bool
    openapi_extra: dict[str, Any]


class EdgeRoute(APIRoute):
    """A FastAPI route behind the guard.

    An endpoint of exactly one parameter of type ``EdgeRequest`` that returns a ``Response`` is called straight away:
    there is nothing for FastAPI to resolve, and its machinery costs more than the whole edge.
    """

    def __init__(self, path: str, endpoint: Endpoint, *, policy: RoutePolicy, **options: Any) -> None:
        self.policy = policy
        super().__init__(path, endpoint, **options)
        if _is_direct(endpoint):
            self.app = _direct_app(endpoint)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Hand endpoints an ``EdgeRequest``, whose body is read already."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(EdgeRequest(request.scope, request.receive))

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the policy, then answer."""
        if self.methods and scope["method"] not in self.methods:
            await super().handle(scope, receive, send)
            return
        await guarded(self.app, self.policy, scope, receive, send)


def _is_direct(endpoint: Endpoint) -> bool:
    parameters = signature(endpoint).parameters
    if len(parameters) != 1:
        return False
    hints = get_type_hints(endpoint)
    returned = hints.get("return")
    return (
        hints.get(next(iter(parameters))) is EdgeRequest
        and isinstance(returned, type)
        and issubclass(returned, Response)
    )


def _direct_app(endpoint: Endpoint) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(EdgeRequest(scope, receive))
        await response(scope, receive, send)

    return app


@dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A route as a router was told, before an app exists."""

    path: str
    method: str
    endpoint: Endpoint
    policy: RoutePolicy
    tags: Sequence[str]
    options: RouteOptions

    def build(self, dependency_overrides_provider: Any = None) -> EdgeRoute:
        """Make the FastAPI route."""
        return EdgeRoute(
            self.path,
            self.endpoint,
            policy=self.policy,
            methods=[self.method],
            tags=list(self.tags),
            dependency_overrides_provider=dependency_overrides_provider,
            **self.options,
        )


class EdgeRouter:
    """Collects routes: ``@router.post("/feedback", policy=RoutePolicy(...), status_code=202)``."""

    def __init__(self, *, prefix: str = "", tags: Sequence[str] = ()) -> None:
        self._prefix = prefix
        self._tags = tuple(tags)
        self.routes: list[DeclaredRoute] = []

    def get(self, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]) -> Callable[[E], E]:
        """Declare a route that reads (``HEAD`` is answered as well)."""
        return self.route("GET", path, policy=policy, **options)

    def post(self, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]) -> Callable[[E], E]:
        """Declare a route that takes something in."""
        return self.route("POST", path, policy=policy, **options)

    def put(self, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]) -> Callable[[E], E]:
        """Declare a route that replaces something."""
        return self.route("PUT", path, policy=policy, **options)

    def patch(self, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]) -> Callable[[E], E]:
        """Declare a route that changes something."""
        return self.route("PATCH", path, policy=policy, **options)

    def delete(self, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]) -> Callable[[E], E]:
        """Declare a route that removes something."""
        return self.route("DELETE", path, policy=policy, **options)

    def route(
        self, method: str, path: str, *, policy: RoutePolicy, **options: Unpack[RouteOptions]
    ) -> Callable[[E], E]:
        """Declare a route of any method."""

        def declare(endpoint: E) -> E:
            self.routes.append(DeclaredRoute(self._prefix + path, method, endpoint, policy, self._tags, options))
            return endpoint

        return declare
