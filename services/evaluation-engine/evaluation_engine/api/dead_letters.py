"""Dead letters over HTTP: listed without their content, replayed when what was wrong has been mended."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from civiloop_shared.contracts.topics import INGESTED
from civiloop_shared.edge import (
    KIB,
    MANAGE,
    CurrentPrincipal,
    EdgeRouter,
    PageCursor,
    PageLimit,
    RoutePolicy,
    Scope,
    decode_cursor,
    json_response,
    page_of,
)
from civiloop_shared.errors import UnavailableError
from evaluation_engine.api.ingest_state import Letters
from evaluation_engine.ports.books import StoredLetter

router = EdgeRouter(prefix="/v1", tags=["ingest"])

TopicName = Literal["feedback.received", "telemetry.journeys", "telemetry.measurements"]
assert set(TopicName.__args__) == {topic.name for topic in INGESTED}  # type: ignore[attr-defined]

_LARGEST_ID = 2**63 - 1
LetterId = Annotated[int, Field(ge=1, le=_LARGEST_ID)]
_EXAMPLE = {"topic": "telemetry.journeys", "partition": 3, "offset": 41, "reason": "bad_payload", "detail": "kind: ..."}


class ReplayIn(BaseModel):
    """Which letters: by id, or all of a topic (of all topics) that were not replayed yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Annotated[tuple[LetterId, ...], Field(min_length=1, max_length=1_000)] | None = None
    topic: TopicName | None = None


@router.get(
    "/dead-letters",
    policy=RoutePolicy(
        permission=Scope.STEWARD, limit=MANAGE, body_cap=0, timeout=5.0, example={"items": [_EXAMPLE]}, errors=()
    ),
)
async def list_dead_letters(
    letters: Letters,
    principal: CurrentPrincipal,
    topic: Annotated[TopicName | None, Query(description="Only of this topic.")] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> Response:
    """Return dead letters of the caller's body, and those that name no body, newest first."""
    before = min(decode_cursor(cursor, [int])[0], _LARGEST_ID) if cursor else None
    page = page_of(await letters.page(principal.body, topic, before, limit + 1), limit, lambda last: [last.id])
    return json_response({"items": [_shown(letter) for letter in page.items], "next": page.next})


@router.post(
    "/dead-letters/replay",
    policy=RoutePolicy(
        permission=Scope.STEWARD,
        limit=MANAGE,
        body_cap=64 * KIB,
        timeout=60.0,
        example={"ids": [7, 8], "topic": None},
        errors=(UnavailableError,),
    ),
)
async def replay_dead_letters(wanted: ReplayIn, letters: Letters, principal: CurrentPrincipal) -> Response:
    """Put letters back on their topic. What can't be counted still becomes a letter anew; nothing counts twice."""
    return json_response({"replayed": await letters.replay(principal.body, wanted.ids, wanted.topic)})


def _shown(letter: StoredLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "outcome": letter.outcome,
        "reason": letter.reason,
        "detail": letter.detail,
        "service": letter.service,
        "bytes": None if letter.value is None else len(letter.value),
        "at": letter.at,
        "replayed_at": letter.replayed_at,
    }
