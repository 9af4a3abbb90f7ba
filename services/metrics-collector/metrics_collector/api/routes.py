"""What the two routes have in common: their policy, their documentation, their answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import TypeAdapter
from starlette.responses import Response

from civiloop_shared.edge import INGEST, MIB, RoutePolicy, Scope
from civiloop_shared.edge.router import RouteOptions
from civiloop_shared.errors import OverloadedError, UnknownOutcomeError
from metrics_collector.api.cloudevents import BATCH, JSON, MEDIA_TYPES, STRUCTURED
from metrics_collector.api.receipts import RESULT_EXAMPLE, RESULT_SCHEMA
from metrics_collector.api.shapes import MOST_ITEMS

BODY_CAP = 4 * MIB
# Long enough for a slow line; Kafka's own deadline begins when the body is there.
_TIMEOUT_S = 30.0

StrictQuery = Annotated[bool, Query(description="Refuse the whole batch (422) when one item breaks a rule.")]
DryRunQuery = Annotated[bool, Query(description="Check everything and write nothing.")]
ObservedUntilQuery = Annotated[
    str | None,
    Query(
        description="An import: the time until which it tells everything. Times of any age are taken up to it. "
        "JSON bodies may carry it as well.",
        max_length=40,
    ),
]


def ingest_policy(example: Any) -> RoutePolicy:
    """Return the policy of a route that takes telemetry."""
    return RoutePolicy(
        permission=Scope.TELEMETRY_WRITE,
        limit=INGEST,
        body_cap=BODY_CAP,
        timeout=_TIMEOUT_S,
        example=example,
        errors=(OverloadedError, UnknownOutcomeError),
        media_types=MEDIA_TYPES,
        requires=("catalogue", "kafka"),
    )


def documented(summary: str, list_name: str, shape: TypeAdapter[Any], example: Any, event: Any) -> RouteOptions:
    """Return the documentation of a route: bodies of all media types and the answers."""
    items = inlined(shape.json_schema())
    items |= {"minItems": 1, "maxItems": MOST_ITEMS}
    own = {
        "type": "object",
        "required": [list_name],
        "additionalProperties": False,
        "properties": {list_name: items, "observed_until": {"type": ["string", "null"], "format": "date-time"}},
    }
    one = {"type": "object", "required": ["specversion", "id", "source", "type", "data"]}
    answer = {"content": {JSON: {"schema": RESULT_SCHEMA, "example": RESULT_EXAMPLE}}}
    return {
        "summary": summary,
        "description": "Events are known by (source, id): sent again, one changes nothing; after 503 it has to be.",
        "status_code": 202,
        "response_class": Response,
        "responses": {
            200: {"description": "A dry run: nothing was written.", **answer},
            202: {"description": "All items but those in `results` are durable.", **answer},
        },
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {"schema": own, "example": example},
                    STRUCTURED: {"schema": one, "example": event},
                    BATCH: {"schema": {"type": "array", "items": one, "maxItems": MOST_ITEMS}, "example": [event]},
                },
            }
        },
    }


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema with its definitions put where they are used: it becomes a part of another document."""
    definitions = schema.pop("$defs", {})

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                return put_in(definitions[reference.rpartition("/")[2]])
            return {name: put_in(value) for name, value in node.items()}
        return [put_in(value) for value in node] if isinstance(node, list) else node

    made: dict[str, Any] = put_in(schema)
    return made
