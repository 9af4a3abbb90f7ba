"""Runs an app in this process: uvloop, httptools, no access log, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI

from civiloop_shared.edge.app import runtime_of
from civiloop_shared.edge.protocol import EdgeProtocol
from civiloop_shared.observability.logs import get_logger
from civiloop_shared.observability.readiness import Readiness
from civiloop_shared.settings import CommonSettings

_KEEP_ALIVE_S = 65
_BACKLOG = 2048
_log = get_logger("civiloop.serve")


class DrainingServer(uvicorn.Server):
    """On SIGTERM or SIGINT: not ready, wait for the load balancer to see it, stop accepting, drain, return.

    A second SIGTERM ends the waiting but not what is being answered; a second SIGINT (Ctrl-C twice) ends at once.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Serve until stopped."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; called by the signal handler."""
        if self._readiness.draining or self._loop is None:
            self.should_exit = True
            self.force_exit = sig == signal.SIGINT
            return
        self._readiness.drain()
        self._loop.call_soon_threadsafe(self._stop_later)

    def _stop_later(self) -> None:
        _log.info("stopping", drain_seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self._stop_now)

    def _stop_now(self) -> None:
        self.should_exit = True


def make_server(app: FastAPI, settings: CommonSettings) -> DrainingServer:
    """Make the server of an app, without starting it (``await server.serve()`` runs it beside other tasks)."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=EdgeProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.stop_seconds)),
    )
    return DrainingServer(config, runtime_of(app).readiness, settings.drain_seconds)


def serve(app: FastAPI, settings: CommonSettings) -> None:
    """Run an app until SIGTERM or SIGINT. Raises ``SystemExit(3)`` when it could not start."""
    server = make_server(app, settings)
    server.run()
    if not server.started:
        raise SystemExit(3)
