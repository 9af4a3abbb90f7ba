"""The outermost layer: trace, client address, security headers, metrics, and the last word on what went wrong."""

from __future__ import annotations

import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from civiloop_shared.edge.body import ClientGoneError
from civiloop_shared.edge.headers import API_HEADERS, COMMON_HEADERS, NO_STORE, STRICT_TRANSPORT
from civiloop_shared.edge.problems import problem
from civiloop_shared.edge.proxies import apply_forwarded
from civiloop_shared.edge.request import HEADERS_KEY, RUNTIME_KEY, TRACE_KEY
from civiloop_shared.edge.runtime import EdgeRuntime
from civiloop_shared.errors import CiviloopError
from civiloop_shared.observability.logs import get_logger, safe_traceback
from civiloop_shared.observability.trace import TraceContext, new_trace, parse_traceparent, set_current_trace

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NO_ROUTE = "(none)"
_CLIENT_GONE_STATUS = 499
_log = get_logger("civiloop.edge")


class EdgeMiddleware:
    """Wraps an app. Pure ASGI, one pass over the headers each way: this is on the path of every event."""

    def __init__(self, app: ASGIApp, *, runtime: EdgeRuntime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; refuse WebSockets; pass the lifespan on."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        runtime = self._runtime
        headers = dict(scope["headers"])
        scope[HEADERS_KEY] = headers
        scope[RUNTIME_KEY] = runtime
        trace = _begin_trace(headers)
        scope[TRACE_KEY] = trace
        set_current_trace(trace)
        if runtime.trusted_proxies:
            apply_forwarded(scope, scope["headers"], runtime.trusted_proxies)
        method = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        reply = _Reply(send, scope, trace, headers, head=method == "HEAD", closing=runtime.readiness.draining)
        runtime.in_flight += 1
        try:
            await self._app(scope, receive, reply.send)
        except ClientGoneError:
            reply.status = _CLIENT_GONE_STATUS
        except Exception as error:
            await self._fail(error, reply, scope, receive)
        finally:
            runtime.in_flight -= 1
            route = scope.get("route")
            template = getattr(route, "path", _NO_ROUTE) if route is not None else _NO_ROUTE
            runtime.metrics.observe(template, method, reply.status, started)

    async def _fail(self, error: Exception, reply: _Reply, scope: Scope, receive: Receive) -> None:
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        _log.error("request failed", route=route, error=type(error).__name__, frames=safe_traceback(error))
        if reply.status:
            raise error
        response = problem(500, CiviloopError.code, CiviloopError.title)
        await response(scope, receive, reply.send)


def _begin_trace(headers: dict[bytes, bytes]) -> TraceContext:
    given = headers.get(b"traceparent")
    if given is not None:
        parent = parse_traceparent(given.decode("latin-1"))
        if parent is not None:
            return parent.child()
    return new_trace()


class _Reply:
    """Sends an answer with our headers on it and remembers its status (0 until it started)."""

    __slots__ = ("_closing", "_head", "_headers", "_scope", "_send", "_trace", "status")

    def __init__(
        self,
        send: Send,
        scope: Scope,
        trace: TraceContext,
        headers: dict[bytes, bytes],
        *,
        head: bool,
        closing: bool,
    ) -> None:
        self._send = send
        self._scope = scope
        self._trace = trace
        self._headers = headers
        self._head = head
        self._closing = closing
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], *self._added(message["headers"])]}
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)

    def _added(self, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in present}
        added = [*(COMMON_HEADERS if b"content-security-policy" in names else API_HEADERS)]
        if b"cache-control" not in names:
            added.append(NO_STORE)
        if self._scope.get("scheme") == "https":
            added.append(STRICT_TRANSPORT)
        if self._closing and b"connection" not in names:
            added.append((b"connection", b"close"))
        added.append((b"traceparent", self._trace.traceparent().encode()))
        request_id = self._headers.get(b"x-request-id")
        if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
            request_id = self._trace.trace_id.encode()
        added.append((b"x-request-id", request_id))
        return added
