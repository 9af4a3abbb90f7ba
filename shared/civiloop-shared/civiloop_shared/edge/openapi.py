"""OpenAPI with everything that the policy of a route says: security, limits, examples and every problem answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from civiloop_shared import errors
from civiloop_shared.edge.policy import PUBLIC, RoutePolicy
from civiloop_shared.edge.problems import PROBLEM_MEDIA_TYPE, ErrorTable
from civiloop_shared.edge.router import EdgeRoute
from civiloop_shared.errors import CiviloopError

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "code", "errors", "trace_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "trace_id": {"type": "string"},
    },
}
_SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer civ_<id>_<secret>"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def install_openapi(app: FastAPI, table: ErrorTable) -> None:
    """Make ``app.openapi()`` complete the document from the policies (once, when it is first asked for)."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = _completed(document, app, table)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any], app: FastAPI, table: ErrorTable) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components["securitySchemes"] = _SECURITY_SCHEMES
    for route in app.router.routes:
        if isinstance(route, EdgeRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                if route.policy.body_schema is not None:
                    operation["requestBody"] = _body_of(route.policy.body_schema, schemas)
                _complete_operation(operation, route, table)
    return document


def _body_of(body_type: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = TypeAdapter(body_type).json_schema(ref_template="#/components/schemas/{model}")
    for name, part in schema.pop("$defs", {}).items():
        schemas.setdefault(name, part)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _complete_operation(operation: dict[str, Any], route: EdgeRoute, table: ErrorTable) -> None:
    policy = route.policy
    if policy.permission is not PUBLIC:
        operation["security"] = [{"bearer": []}, {"apiKey": []}]
        operation["x-required-scope"] = policy.permission.value
    operation["x-rate-limit"] = policy.limit.name
    operation["x-timeout-seconds"] = policy.timeout
    if policy.body_cap:
        operation["x-max-body-bytes"] = policy.body_cap
        _complete_body(operation, policy)
    elif "200" in operation["responses"]:
        for content in operation["responses"]["200"].get("content", {}).values():
            content.setdefault("example", policy.example)
    takes_input = bool(policy.body_cap or operation.get("parameters"))
    operation["responses"].pop("422", None)
    for status, group in _by_status(errors_of(policy, takes_input=takes_input), table).items():
        operation["responses"][str(status)] = _problem_response(status, group)


def _complete_body(operation: dict[str, Any], policy: RoutePolicy) -> None:
    body = operation.setdefault("requestBody", {"required": True, "content": {}})
    content = body["content"]
    given: dict[str, Any] = next(iter(content.values()), {"schema": {}})
    for media_type in policy.media_types:
        content.setdefault(media_type, {**given}).setdefault("example", policy.example)
    for media_type in set(content) - set(policy.media_types):
        del content[media_type]


def errors_of(policy: RoutePolicy, *, takes_input: bool) -> list[type[CiviloopError]]:
    """Return every error that a route can answer with: its own and those of the edge."""
    found: list[type[CiviloopError]] = [errors.RateLimitedError, errors.UnavailableError, CiviloopError]
    if policy.permission is not PUBLIC:
        found += [errors.UnauthorisedError, errors.ForbiddenError]
    if policy.body_cap:
        found += [errors.MalformedError, errors.UnsupportedMediaTypeError]
    found.append(errors.TooLargeError)
    if takes_input:
        found.append(errors.ValidationError)
    return [*found, *(error for error in policy.errors if error not in found)]


def _by_status(found: list[type[CiviloopError]], table: ErrorTable) -> dict[int, list[type[CiviloopError]]]:
    grouped: dict[int, list[type[CiviloopError]]] = {}
    for error in found:
        grouped.setdefault(table.status_of(error), []).append(error)
    return dict(sorted(grouped.items()))


def _problem_response(status: int, group: list[type[CiviloopError]]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": " / ".join(f"{error.title} (`{error.code}`)" for error in group),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    return response
