"""A small service behind the edge, and a client that shows how much of a body was really read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.testclient import TestClient

from civiloop_shared.auth import KeyRecord, KeyRing, Scope, new_key
from civiloop_shared.edge import (
    KIB,
    PUBLIC,
    CurrentPrincipal,
    EdgeRequest,
    EdgeRouter,
    Limit,
    RoutePolicy,
    create_app,
    json_response,
    parse_as,
)
from civiloop_shared.errors import ConflictError, NotFoundError
from civiloop_shared.observability import Readiness
from civiloop_shared.settings import CommonSettings

GENEROUS = Limit("generous", per_second=10_000, burst=10_000)
TIGHT = Limit("tight", per_second=0.5, burst=2)
CAP = 4 * KIB


class Feedback(BaseModel):
    model_config = ConfigDict(extra="forbid")

    service: str = Field(pattern="^[a-z-]+$")
    rating: float = Field(ge=1, le=5)
    comment: str = ""


def policy(**overrides: Any) -> RoutePolicy:
    usual: dict[str, Any] = {
        "permission": Scope.FEEDBACK_WRITE,
        "limit": GENEROUS,
        "body_cap": CAP,
        "timeout": 5.0,
        "example": {"service": "permits", "rating": 4},
        "errors": (ConflictError,),
    }
    return RoutePolicy(**{**usual, **overrides})


def reading(**overrides: Any) -> RoutePolicy:
    return policy(**{"permission": PUBLIC, "body_cap": 0, "errors": (NotFoundError,), **overrides})


def small_service() -> EdgeRouter:
    router = EdgeRouter(prefix="/v1", tags=["feedback"])

    @router.post("/feedback", policy=policy(), status_code=202)
    async def submit(request: EdgeRequest, feedback: Feedback) -> Response:
        return json_response({"body": request.principal.body, "rating": feedback.rating}, status_code=202)

    @router.post("/direct", policy=policy(body_schema=list[Feedback]), status_code=202)
    async def direct(request: EdgeRequest) -> Response:
        found = parse_as(TypeAdapter(list[Feedback]), await request.json())
        if len(found) > 2:
            raise ConflictError("too many")
        return json_response({"body": request.principal.body, "count": len(found)}, status_code=202)

    @router.post("/depends", policy=policy())
    async def depends(principal: CurrentPrincipal, feedback: Feedback) -> dict[str, str]:
        return {"body": principal.body}

    @router.post("/raw", policy=policy(body="raw", media_types=("text/csv",)))
    async def raw(request: EdgeRequest) -> Response:
        return json_response({"size": len(await request.body())})

    @router.post("/tight", policy=policy(limit=TIGHT))
    async def tight() -> Response:
        return json_response({})

    @router.post("/needs", policy=policy(requires=("kafka",)))
    async def needs() -> Response:
        return json_response({})

    _add_public_routes(router)
    return router


def _add_public_routes(router: EdgeRouter) -> None:
    @router.get("/tight", policy=reading(limit=TIGHT))
    async def tight_public() -> Response:
        return json_response({})

    @router.get("/slow", policy=reading(timeout=0.05))
    async def slow() -> Response:
        await asyncio.sleep(30)
        return json_response({})

    @router.get("/things/{number}", policy=reading())
    async def thing(number: int, every: int = 1) -> Response:
        raise NotFoundError(f"no thing number {number}")

    @router.get("/broken", policy=reading())
    async def broken() -> Response:
        raise ValueError("what-a-citizen-wrote")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    chunks_read: int


class Asker:
    """Speaks ASGI to an app: sees how many chunks were taken when the answer had come in full."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def post(self, path: str, chunks: Iterable[bytes], headers: dict[str, str]) -> Answer:
        pending = iter(chunks)
        read = 0
        read_at_answer = 0
        started: dict[str, Any] = {}
        body = b""

        async def receive() -> dict[str, Any]:
            nonlocal read
            chunk = next(pending, None)
            if chunk is None:
                return {"type": "http.request", "body": b"", "more_body": False}
            read += 1
            return {"type": "http.request", "body": chunk, "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            nonlocal started, body, read_at_answer
            if message["type"] == "http.response.start":
                started = message
                read_at_answer = read
            else:
                body += message.get("body", b"")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.1", 1234),
            "server": ("test", 80),
        }
        await self._app(scope, receive, send)  # type: ignore[arg-type]
        answered = {name.decode(): value.decode() for name, value in started["headers"]}
        return Answer(started["status"], answered, body, read_at_answer)


@dataclass(frozen=True)
class Town:
    """The small service with one key that may write feedback and one that may only read."""

    app: FastAPI
    client: TestClient
    readiness: Readiness
    ring: KeyRing
    key: str
    reading_key: str

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def post(self, path: str, content: bytes, **headers: str) -> Any:
        return self.client.post(
            path, content=content, headers={"Content-Type": "application/json", **self.auth, **headers}
        )


def key_record(text_of: Any, *scopes: Scope, **overrides: Any) -> KeyRecord:
    return KeyRecord(
        **{
            "id": text_of.id,
            "body": "town",
            "scopes": frozenset(scopes),
            "secret_sha256": bytes.fromhex(text_of.secret_sha256),
            **overrides,
        }
    )


@pytest.fixture
def make_town() -> Iterator[Callable[..., Town]]:
    clients: list[TestClient] = []

    def make(*routers: EdgeRouter, **settings: Any) -> Town:
        writer, reader = new_key(), new_key()
        ring = KeyRing([key_record(writer, Scope.FEEDBACK_WRITE), key_record(reader, Scope.READ)])
        readiness = Readiness("kafka")
        app = create_app(
            title="Town",
            version="1",
            settings=CommonSettings(**settings),
            keyring=ring,
            routers=routers or [small_service()],
            readiness=readiness,
        )
        client = TestClient(app)
        client.__enter__()
        clients.append(client)
        return Town(app, client, readiness, ring, writer.text, reader.text)

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def town(make_town: Callable[..., Town]) -> Town:
    return make_town()


@pytest.fixture
def asker(town: Town) -> Asker:
    return Asker(town.app)
