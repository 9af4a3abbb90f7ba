"""The edge that all services stand behind: one small module for everything that comes in over HTTP.

A service declares routes and builds its app::

    router = EdgeRouter(prefix="/v1", tags=["feedback"])

    @router.post("/feedback", status_code=202, policy=RoutePolicy(
        permission=Scope.FEEDBACK_WRITE, limit=INGEST, body_cap=64 * KIB, timeout=2.0, body_schema=FeedbackIn,
        example={"service": "building-permit", "rating": 4}, errors=(ConflictError,), requires=("postgres",)))
    async def submit_feedback(request: EdgeRequest) -> Response:
        feedback = parse_model(FeedbackIn, await request.json())
        receipt = await request.state.submit(request.principal.body, feedback)
        return json_response(receipt, status_code=202)

    app = create_app(title="Feedback", version="1", settings=settings, keyring=ring, routers=[router],
                     lifespan=bootstrap, readiness=Readiness("postgres", "catalogue"))
    serve(app, settings)

An endpoint of this form (one ``EdgeRequest`` in, a ``Response`` out) costs about what an empty FastAPI endpoint does.
Body, path and query parameters and dependencies in FastAPI's way work as well and cost what FastAPI costs.

Endpoints raise errors of ``civiloop_shared.errors``; the table turns them into problem documents.
``walk_routes(app)`` lists routes that declare too little (empty when all is well).
"""

from civiloop_shared.auth.principal import Principal
from civiloop_shared.contracts.catalogue import Scope
from civiloop_shared.edge.app import create_app, runtime_of
from civiloop_shared.edge.cells import defuse_cell
from civiloop_shared.edge.faults import faults_of, parse_as, parse_model
from civiloop_shared.edge.guard import charge
from civiloop_shared.edge.headers import html_response, new_nonce
from civiloop_shared.edge.paging import Page, PageCursor, PageLimit, decode_cursor, encode_cursor, page_of
from civiloop_shared.edge.policy import (
    INGEST,
    KIB,
    MANAGE,
    MIB,
    OPS,
    OPS_POLICY,
    PUBLIC,
    PUBLIC_READ,
    READ,
    Limit,
    RoutePolicy,
)
from civiloop_shared.edge.problems import ErrorTable, problem, problem_of
from civiloop_shared.edge.request import CurrentPrincipal, EdgeRequest
from civiloop_shared.edge.responses import (
    CSV,
    JSON,
    csv_bytes,
    csv_response,
    etag_of,
    etag_response,
    json_response,
    negotiate,
)
from civiloop_shared.edge.router import EdgeRouter
from civiloop_shared.edge.serve import make_server, serve
from civiloop_shared.edge.strict_json import strict_json
from civiloop_shared.edge.walk import walk_routes

__all__ = [
    "CSV",
    "INGEST",
    "JSON",
    "KIB",
    "MANAGE",
    "MIB",
    "OPS",
    "OPS_POLICY",
    "PUBLIC",
    "PUBLIC_READ",
    "READ",
    "CurrentPrincipal",
    "EdgeRequest",
    "EdgeRouter",
    "ErrorTable",
    "Limit",
    "Page",
    "PageCursor",
    "PageLimit",
    "Principal",
    "RoutePolicy",
    "Scope",
    "charge",
    "create_app",
    "csv_bytes",
    "csv_response",
    "decode_cursor",
    "defuse_cell",
    "encode_cursor",
    "etag_of",
    "etag_response",
    "faults_of",
    "html_response",
    "json_response",
    "make_server",
    "negotiate",
    "new_nonce",
    "page_of",
    "parse_as",
    "parse_model",
    "problem",
    "problem_of",
    "runtime_of",
    "serve",
    "strict_json",
    "walk_routes",
]
