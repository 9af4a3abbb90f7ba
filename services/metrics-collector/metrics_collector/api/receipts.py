"""The answer to a batch: only rejected items are told, each with its faults."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from civiloop_shared.edge import json_response, problem
from civiloop_shared.errors import ValidationError, ValidationFault
from metrics_collector.domain.batch import Batch
from metrics_collector.domain.receipt import BatchReceipt, RejectedItem

RESULT_EXAMPLE = {"accepted": 1, "rejected": 0, "results": []}
RESULT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["accepted", "rejected", "results"],
    "properties": {
        "accepted": {
            "type": "integer",
            "description": "Items that are durable now (in a dry run: that would be taken).",
        },
        "rejected": {"type": "integer"},
        "dry_run": {"type": "boolean"},
        "results": {
            "type": "array",
            "description": "The rejected items only.",
            "items": {
                "type": "object",
                "required": ["index", "id", "status", "errors"],
                "properties": {
                    "index": {"type": "integer", "description": "Place in the batch, from 0."},
                    "id": {"type": ["string", "null"]},
                    "status": {"const": "rejected"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "reason"],
                            "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                        },
                    },
                },
            },
        },
    },
}


def answer(batch: Batch[Any], receipt: BatchReceipt, list_name: str) -> Response:
    """Return 202 for what was written, 200 for a dry run, 422 when nothing is or would be taken."""
    results = [_result(item) for item in receipt.rejected]
    if results and (batch.strict or receipt.accepted == 0):
        return _refusal(receipt, results, list_name)
    told: dict[str, Any] = {"accepted": receipt.accepted, "rejected": len(results), "results": results}
    if batch.dry_run:
        return json_response({**told, "dry_run": True})
    return json_response(told, status_code=202)


def _result(item: RejectedItem) -> dict[str, Any]:
    errors = [{"field": fault.field, "reason": fault.reason} for fault in item.faults]
    return {"index": item.index, "id": item.id, "status": "rejected", "errors": errors}


def _refusal(receipt: BatchReceipt, results: list[dict[str, Any]], list_name: str) -> Response:
    total = receipt.accepted + len(results)
    faults = [
        ValidationFault(f"{list_name}.{item.index}.{fault.field}", fault.reason)
        for item in receipt.rejected
        for fault in item.faults
    ]
    response = problem(
        422,
        ValidationError.code,
        ValidationError.title,
        detail=f"{len(results)} of {total} items break a rule; nothing was written",
        faults=faults,
    )
    extended = {**orjson.loads(bytes(response.body)), "results": results}
    return Response(orjson.dumps(extended), 422, media_type=response.media_type)
