"""Answers to submissions, as bytes: they are remembered under an Idempotency-Key as they were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field

from civiloop_shared.errors import CiviloopError
from feedback_api.service.submit import Result, Taken


class FeedbackAnswer(BaseModel):
    """We have it. ``duplicate``: we had it before. The receipt is for the person who gave the feedback."""

    status: Literal["accepted", "duplicate"]
    id: str
    receipt: str
    receipt_url: str


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    reason: str


class BatchResult(BaseModel):
    """What became of the item at ``index``. A rejected one has ``code`` and ``errors``, the others id and receipt."""

    index: int
    status: Literal["accepted", "duplicate", "rejected"]
    id: str | None = None
    receipt: str | None = None
    code: str | None = None
    errors: list[FieldFault] | None = None


class BatchAnswer(BaseModel):
    """What became of a batch. The good items are stored; mend the rejected ones and send them again."""

    accepted: int
    duplicate: int
    rejected: int
    results: Annotated[list[BatchResult], Field(max_length=1_000)]


def single_answer(taken: Taken) -> bytes:
    """Return the answer to one submission."""
    return orjson.dumps(
        {
            "status": _status(taken),
            "id": taken.id,
            "receipt": taken.receipt,
            "receipt_url": f"/v1/receipts/{taken.receipt}",
        }
    )


def batch_answer(results: Sequence[Result]) -> bytes:
    """Return the answer to a batch."""
    listed = [_listed(index, result) for index, result in enumerate(results)]
    counts = dict.fromkeys(("accepted", "duplicate", "rejected"), 0)
    for result in listed:
        counts[result["status"]] += 1
    return orjson.dumps({**counts, "results": listed})


def _status(taken: Taken) -> str:
    return "duplicate" if taken.again else "accepted"


def _listed(index: int, result: Result) -> dict[str, Any]:
    if isinstance(result, CiviloopError):
        errors = [{"field": fault.field, "reason": fault.reason} for fault in result.faults]
        return {"index": index, "status": "rejected", "code": result.code, "errors": errors}
    return {"index": index, "status": _status(result), "id": result.id, "receipt": result.receipt}
