"""What happens between a matched route and its endpoint: ready, known, allowed, not too fast, not too much, in time."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from civiloop_shared.auth.principal import Principal
from civiloop_shared.edge.body import declared_length, discard_rest, read_body
from civiloop_shared.edge.limits import address_bucket
from civiloop_shared.edge.policy import PUBLIC, UNAUTHENTICATED, Limit, RoutePolicy
from civiloop_shared.edge.problems import problem_of
from civiloop_shared.edge.request import BODY_KEY, HEADERS_KEY, JSON_KEY, PRINCIPAL_KEY, RUNTIME_KEY
from civiloop_shared.edge.runtime import EdgeRuntime
from civiloop_shared.edge.strict_json import strict_json
from civiloop_shared.errors import (
    DeadlineExceededError,
    ForbiddenError,
    OverloadedError,
    RateLimitedError,
    TooLargeError,
    UnauthorisedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)


async def guarded(app: ASGIApp, policy: RoutePolicy, scope: Scope, receive: Receive, send: Send) -> None:
    """Run ``app`` within the policy. Raises errors of the shared tree, all but the deadline's before ``app`` runs."""
    runtime: EdgeRuntime = scope[RUNTIME_KEY]
    headers: dict[bytes, bytes] = scope[HEADERS_KEY]
    _admit(runtime, policy, scope, headers)
    started = False

    async def watched_send(message: Message) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        async with asyncio.timeout(policy.timeout) as deadline:
            if policy.body_cap or b"content-length" in headers or b"transfer-encoding" in headers:
                await _with_body(app, policy, scope, receive, watched_send)
            else:
                await app(scope, receive, watched_send)
    except TimeoutError:
        if started or not deadline.expired():
            raise
        raise DeadlineExceededError(f"no answer within {policy.timeout:g} s", retry_after=1.0) from None


def _admit(runtime: EdgeRuntime, policy: RoutePolicy, scope: Scope, headers: dict[bytes, bytes]) -> None:
    if policy.sheds and runtime.in_flight > runtime.max_in_flight:
        raise OverloadedError("too many requests at once", retry_after=1.0)
    for name in policy.requires:
        if not runtime.readiness.has(name):
            raise UnavailableError(f"{name} is not available", retry_after=2.0, dependency=name)
    if policy.permission is PUBLIC:
        caller = address_bucket(client_address(scope))
    else:
        principal = _authenticate(runtime, scope, headers)
        if policy.permission not in principal.scopes:
            raise ForbiddenError(f"needs the scope {policy.permission.value}")
        scope[PRINCIPAL_KEY] = principal
        caller = principal.key_id
    wait = runtime.limiter.take(policy.limit, caller)
    if wait:
        raise RateLimitedError(f"the limit {policy.limit.name!r} is used up", retry_after=wait)


def client_address(scope: Scope) -> str:
    """Return the address of the client (behind trusted proxies: the one that they name)."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def _authenticate(runtime: EdgeRuntime, scope: Scope, headers: dict[bytes, bytes]) -> Principal:
    try:
        return runtime.keyring.authenticate(_key_text(headers))
    except UnauthorisedError:
        wait = runtime.limiter.take(UNAUTHENTICATED, address_bucket(client_address(scope)))
        if wait:
            raise RateLimitedError("too many requests without a valid key", retry_after=wait) from None
        raise


def _key_text(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"authorization")
    if given is not None:
        scheme, _, text = given.partition(b" ")
        return text.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
    return headers.get(b"x-api-key", b"").decode("latin-1")


async def _with_body(app: ASGIApp, policy: RoutePolicy, scope: Scope, receive: Receive, send: Send) -> None:
    runtime: EdgeRuntime = scope[RUNTIME_KEY]
    headers: dict[bytes, bytes] = scope[HEADERS_KEY]
    held = 0
    try:
        held = declared_length(headers.get(b"content-length"), policy.body_cap)
        runtime.budget.reserve(held)
    except TooLargeError as error:
        await _refuse_too_large(error, runtime, scope, receive, send)
        return
    try:
        try:
            if policy.body_cap:
                _check_media_type(policy, headers)
            body, held = await read_body(receive, policy.body_cap, runtime.budget, held)
        except TooLargeError as error:
            await _refuse_too_large(error, runtime, scope, receive, send)
            return
        scope[BODY_KEY] = body
        if policy.body_cap and policy.body == "json":
            scope[JSON_KEY] = strict_json(body)
        await app(scope, receive, send)
    finally:
        runtime.budget.release(held)


def _check_media_type(policy: RoutePolicy, headers: dict[bytes, bytes]) -> None:
    given = headers.get(b"content-type", b"")
    if given in policy.media_type_set:
        return
    if given.partition(b";")[0].strip().lower() not in policy.media_type_set:
        raise UnsupportedMediaTypeError(f"taken are: {', '.join(policy.media_types)}")


async def _refuse_too_large(
    error: TooLargeError, runtime: EdgeRuntime, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer 413 at once, then read on for a moment: closed under a sending client, the answer could be lost."""
    response = problem_of(error, runtime.errors)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
    try:
        async with asyncio.timeout(1.0):
            await discard_rest(receive)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def charge(request: Request, limit: Limit, tokens: int) -> None:
    """Take more tokens for a request that turned out to be large, such as a batch. Raises ``RateLimitedError``."""
    runtime: EdgeRuntime = request.scope[RUNTIME_KEY]
    principal: Principal | None = request.scope.get(PRINCIPAL_KEY)
    caller = principal.key_id if principal else address_bucket(client_address(request.scope))
    wait = runtime.limiter.take(limit, caller, tokens)
    if wait:
        raise RateLimitedError(f"the limit {limit.name!r} is used up", retry_after=wait)
