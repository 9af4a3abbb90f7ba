"""Request bodies in OpenAPI: read by ourselves, so described by ourselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from feedback_api.api import cloudevents


def request_body(model: type[BaseModel], example: Any, events: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return ``requestBody`` for JSON of a model; ``events`` adds media types with their own content."""
    json_content = {"schema": inlined(model), "example": example}
    return {"required": True, "content": {"application/json": json_content, **events}}


def event_schema(data: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a CloudEvent whose data is this model without what the attributes say."""
    schema = inlined(data)
    schema["properties"] = {name: of for name, of in schema["properties"].items() if name not in {"id", "source"}}
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "maxLength": 200},
            "source": {**text, "maxLength": 200},
            "type": {"const": cloudevents.TYPE},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": schema,
        },
    }


def event_example(item: dict[str, Any]) -> dict[str, Any]:
    """Return an answer set as an event."""
    data = {name: value for name, value in item.items() if name != "id"}
    return {
        "specversion": "1.0",
        "id": item["id"],
        "source": "https://forms.example/building-permit",
        "type": cloudevents.TYPE,
        "datacontenttype": "application/json",
        "data": data,
    }


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model without references, so that it stands in any document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    resolved: dict[str, Any] = _resolve(schema, definitions)
    return resolved


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions:
        return _resolve(
            {**definitions[name], **{key: value for key, value in node.items() if key != "$ref"}}, definitions
        )
    return {key: _resolve(value, definitions) for key, value in node.items()}
