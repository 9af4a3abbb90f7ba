"""Routes that every service has: health, readiness, metrics, problems, documentation."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import Response

from civiloop_shared.edge.docs import docs_page
from civiloop_shared.edge.headers import html_response, new_nonce
from civiloop_shared.edge.policy import OPS_POLICY
from civiloop_shared.edge.responses import json_response
from civiloop_shared.edge.router import EdgeRouter
from civiloop_shared.edge.runtime import EdgeRuntime
from civiloop_shared.errors import NotFoundError
from civiloop_shared.observability.metrics import METRICS_MEDIA_TYPE, exposition


def ops_router(app: FastAPI, runtime: EdgeRuntime) -> EdgeRouter:
    """Build the routes; ``app`` is the one whose documentation is shown."""
    router = EdgeRouter(tags=("operations",))
    _add_health(router, runtime)
    _add_documents(router, app, runtime)
    return router


def _add_health(router: EdgeRouter, runtime: EdgeRuntime) -> None:
    @router.get("/healthz", policy=OPS_POLICY, summary="Is the process alive?", response_class=Response)
    async def healthz() -> Response:
        dead = runtime.readiness.dead
        if dead:
            return json_response({"status": "dead", "reason": dead}, status_code=503)
        return json_response({"status": "alive"})

    @router.get("/readyz", policy=OPS_POLICY, summary="Can it do its work now?", response_class=Response)
    async def readyz() -> Response:
        missing = await runtime.readiness.refresh()
        if missing:
            return json_response({"status": "not ready", "missing": missing}, status_code=503)
        return json_response({"status": "ready", "missing": {}})

    @router.get("/metrics", policy=OPS_POLICY, summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        runtime.metrics.in_flight.set(runtime.in_flight)
        runtime.metrics.bytes_in_flight.set(runtime.budget.held)
        await runtime.readiness.refresh()
        runtime.metrics.show_readiness(runtime.readiness)
        return Response(exposition(runtime.registry), headers={"Content-Type": METRICS_MEDIA_TYPE})


def _add_documents(router: EdgeRouter, app: FastAPI, runtime: EdgeRuntime) -> None:
    @router.get("/openapi.json", policy=OPS_POLICY, include_in_schema=False)
    async def openapi() -> Response:
        return json_response(app.openapi())

    @router.get("/docs", policy=OPS_POLICY, include_in_schema=False)
    async def docs() -> Response:
        nonce = new_nonce()
        return html_response(docs_page(app.openapi(), nonce), nonce=nonce)

    @router.get("/problems/{code}", policy=OPS_POLICY, include_in_schema=False)
    async def explain(code: str) -> Response:
        explanation = runtime.errors.explanations().get(code)
        if explanation is None:
            raise NotFoundError
        return json_response(explanation)
