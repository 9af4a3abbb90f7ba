"""From a request to the submissions in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from civiloop_shared.edge.faults import parse_model
from civiloop_shared.edge.request import EdgeRequest
from civiloop_shared.errors import CiviloopError, ValidationError
from civiloop_shared.observability import current_trace
from feedback_api.api import cloudevents
from feedback_api.api.items import BatchFrame, read_item
from feedback_api.domain.feedback import Submission
from feedback_api.service.submit import CHUNK, Delivery


async def read_single(request: EdgeRequest) -> Submission:
    """Read one answer set: plain JSON, or a CloudEvent in binary or structured mode. Raises ``ValidationError``."""
    value = await request.json()
    if media_type_of(request) == cloudevents.STRUCTURED:
        return read_item(cloudevents.item_of(value))
    attributes = cloudevents.binary_attributes(request.headers)
    if attributes is not None:
        value = cloudevents.with_attributes(value, attributes)
    return read_item(value)


async def read_batch(request: EdgeRequest) -> tuple[list[Submission | CiviloopError], datetime | None]:
    """Read the items of a batch, each for itself, and its ``observed_until``. Raises ``ValidationError``."""
    value = await request.json()
    if media_type_of(request) == cloudevents.BATCHED:
        frame = parse_model(BatchFrame, {"items": value})
        return await _read_all(frame.items, _read_event), None
    frame = parse_model(BatchFrame, value)
    return await _read_all(frame.items, read_item), frame.observed_until


def delivery_of(request: EdgeRequest, observed_until: datetime | None = None) -> Delivery:
    """Return the circumstances of a request."""
    trace = current_trace()
    return Delivery(request.principal, trace.traceparent() if trace else None, observed_until)


def media_type_of(request: EdgeRequest) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_all(values: list[Any], read: Callable[[Any], Submission]) -> list[Submission | CiviloopError]:
    items: list[Submission | CiviloopError] = []
    for number, value in enumerate(values, 1):
        try:
            items.append(read(value))
        except ValidationError as error:
            items.append(error)
        if number % CHUNK == 0:
            await asyncio.sleep(0)
    return items


def _read_event(value: Any) -> Submission:
    return read_item(cloudevents.item_of(value))
