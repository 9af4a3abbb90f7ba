"""Builds the app of a service: FastAPI behind the edge, with health, metrics and documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.edge.body import BodyBudget
from civiloop_shared.edge.faults import faults_of
from civiloop_shared.edge.limits import RateLimiter
from civiloop_shared.edge.middleware import EdgeMiddleware
from civiloop_shared.edge.openapi import install_openapi
from civiloop_shared.edge.ops import ops_router
from civiloop_shared.edge.problems import ErrorTable, MethodNotAllowedError, problem, problem_of
from civiloop_shared.edge.router import EdgeRouter
from civiloop_shared.edge.runtime import EdgeRuntime
from civiloop_shared.edge.walk import walk_routes
from civiloop_shared.errors import (
    CiviloopError,
    MalformedError,
    NotFoundError,
    ValidationError,
)
from civiloop_shared.observability.metrics import RequestMetrics, new_registry
from civiloop_shared.observability.readiness import Readiness
from civiloop_shared.settings import CommonSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def create_app(  # noqa: PLR0913 - the one place where a service says what it is made of; all by keyword
    *,
    title: str,
    version: str,
    settings: CommonSettings,
    keyring: KeyRing,
    routers: Iterable[EdgeRouter] = (),
    lifespan: Lifespan | None = None,
    readiness: Readiness | None = None,
    metrics_registry: CollectorRegistry | None = None,
    error_statuses: Mapping[type[CiviloopError], int] | None = None,
    description: str = "",
) -> FastAPI:
    """Build an app whose every route is behind the edge.

    ``lifespan`` opens what the service needs and closes it; what it yields becomes the state of requests. Without
    routers the app has health, readiness, metrics and documentation only. ``error_statuses`` adds the service's own
    errors to the table. The app refuses to start with a route that declares no policy.
    """
    registry = metrics_registry or new_registry()
    runtime = EdgeRuntime(
        keyring=keyring,
        limiter=RateLimiter(settings.limits),
        budget=BodyBudget(settings.max_body_bytes_in_flight),
        readiness=readiness or Readiness(),
        metrics=RequestMetrics(registry),
        registry=registry,
        errors=ErrorTable(error_statuses),
        trusted_proxies=settings.trusted_proxies,
        max_in_flight=settings.max_requests_in_flight,
    )
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=_checked(lifespan),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.edge = runtime
    for router in (*routers, ops_router(app, runtime)):
        app.router.routes.extend(route.build(app) for route in router.routes)
    install_openapi(app, runtime.errors)
    _handle_errors(app, runtime.errors)
    _allow_origins(app, settings.cors_origins)
    app.add_middleware(EdgeMiddleware, runtime=runtime)
    return app


def runtime_of(app: FastAPI) -> EdgeRuntime:
    """Return what the edge of an app shares between requests."""
    runtime: EdgeRuntime = app.state.edge
    return runtime


def _checked(lifespan: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def checked(app: FastAPI) -> AsyncIterator[Any]:
        faults = walk_routes(app)
        if faults:
            raise RuntimeError("; ".join(faults))
        if lifespan is None:
            yield None
            return
        async with lifespan(app) as state:
            yield state

    return checked


def _allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=False,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Traceparent"],
            expose_headers=["ETag", "Retry-After", "Traceparent", "X-Request-Id"],
        )


def _handle_errors(app: FastAPI, table: ErrorTable) -> None:
    async def own(_: Request, error: Exception) -> Response:
        assert isinstance(error, CiviloopError)
        return problem_of(error, table)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_of(ValidationError(faults=faults_of(error.errors())), table)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _http_problem(error, app.routes, request)

    app.add_exception_handler(CiviloopError, own)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


_OF_FRAMEWORK: dict[int, type[CiviloopError]] = {400: MalformedError, 404: NotFoundError, 405: MethodNotAllowedError}


def _http_problem(error: HTTPException, routes: Iterable[BaseRoute], request: Request) -> Response:
    """Turn what the framework raises into a document; its text is left out, it may repeat the input."""
    known = _OF_FRAMEWORK.get(error.status_code)
    code, title = (known.code, known.title) if known else (f"http-{error.status_code}", "The request was refused")
    allowed = {"Allow": ", ".join(sorted(_methods(routes, request)))} if error.status_code == 405 else {}
    return problem(error.status_code, code, title, headers=allowed)


def _methods(routes: Iterable[BaseRoute], request: Request) -> set[str]:
    """Return the methods of every route at the address: the framework names those of the first one only."""
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in getattr(route, "methods", None) or ()}
