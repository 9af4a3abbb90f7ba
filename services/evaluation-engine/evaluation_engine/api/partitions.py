"""Stopped partitions over HTTP: shown with the reason, and let go on by a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from civiloop_shared.edge import (
    KIB,
    MANAGE,
    CurrentPrincipal,
    EdgeRouter,
    RoutePolicy,
    Scope,
    json_response,
)
from civiloop_shared.observability import get_logger
from evaluation_engine.api.dead_letters import TopicName
from evaluation_engine.api.ingest_state import Releasing

router = EdgeRouter(prefix="/v1", tags=["ingest"])

_log = get_logger("civiloop.engine")

_STOPPED: dict[str, Any] = {
    "topic": "telemetry.journeys",
    "partition": 3,
    "reason": "records 40 to 71 were deleted before they were read",
    "next_offset": 40,
    "last_record_at": "2026-11-01T10:00:00+00:00",
    "release_asked_at": None,
}
_ORDER = {"topic": "telemetry.journeys", "partition": 3, "dry_run": True}


class ReleaseIn(BaseModel):
    """Which partition of a topic goes on; without ``partition`` all of its stopped ones. A dry run only tells them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: TopicName
    partition: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    dry_run: bool = False


@router.get(
    "/partitions/stopped",
    policy=RoutePolicy(
        permission=Scope.ADMIN,
        limit=MANAGE,
        body_cap=0,
        timeout=5.0,
        example={"stopped": [_STOPPED], "releases": []},
        errors=(),
    ),
)
async def list_stopped(releasing: Releasing, principal: CurrentPrincipal) -> Response:
    """Return the partitions that stand still with the reason, and the newest orders that some go on."""
    stopped, orders = await releasing.show(principal.body)
    return json_response({"stopped": [asdict(one) for one in stopped], "releases": [asdict(one) for one in orders]})


@router.post(
    "/partitions/release",
    policy=RoutePolicy(permission=Scope.ADMIN, limit=MANAGE, body_cap=4 * KIB, timeout=5.0, example=_ORDER, errors=()),
)
async def release(wanted: ReleaseIn, releasing: Releasing, principal: CurrentPrincipal) -> Response:
    """Let stopped partitions go on at the first record of their topic; workers do so within seconds.

    Records that were counted are known by their ids; what the topic lost is missing in the numbers. Each order is kept.
    """
    found = await releasing.release(
        principal.body, wanted.topic, wanted.partition, by=principal.key_id, dry_run=wanted.dry_run
    )
    if found and not wanted.dry_run:
        _log.warning(
            "release ordered", topic=wanted.topic, partitions=[one.partition for one in found], by=principal.key_id
        )
    return json_response({"partitions": [asdict(one) for one in found], "dry_run": wanted.dry_run})
