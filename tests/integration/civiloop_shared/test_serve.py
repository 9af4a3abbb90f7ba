from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.requirement("B14")

PROGRAM = """
import asyncio, sys
from civiloop_shared.auth import KeyRing
from civiloop_shared.edge import OPS_POLICY, EdgeRequest, EdgeRouter, create_app, json_response, serve
from civiloop_shared.observability import configure_logging
from civiloop_shared.settings import CommonSettings
from fastapi import Response

router = EdgeRouter()

@router.get("/slow", policy=OPS_POLICY)
async def slow(request: EdgeRequest) -> Response:
    await asyncio.sleep(1.2)
    return json_response({"done": True})

settings = CommonSettings(port=int(sys.argv[1]), drain_seconds=0.6)
configure_logging("test", level=settings.log_level)
serve(create_app(title="T", version="1", settings=settings, keyring=KeyRing(), routers=[router]), settings)
"""


@dataclass
class Served:
    process: subprocess.Popen[str]
    port: int

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def served() -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stderr=subprocess.PIPE, text=True)
    found = Served(process, port)
    for _ in range(200):
        try:
            httpx.get(f"{found.url}/healthz")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield found
    process.kill()
    process.communicate()


def test_a_stop_turns_readiness_red_finishes_what_runs_and_ends_with_0(served: Served) -> None:
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(httpx.get(f"{served.url}/slow", timeout=10)))
    caller.start()
    time.sleep(0.2)
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    draining = httpx.get(f"{served.url}/readyz")
    assert (draining.status_code, draining.json()["missing"]) == (503, {"process": "stopping"})
    assert draining.headers["connection"] == "close"
    caller.join()
    assert [answer.json() for answer in answers] == [{"done": True}]
    assert served.process.wait(timeout=10) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{served.url}/healthz")
    assert served.process.stderr is not None
    lines = [json.loads(line) for line in served.process.stderr]
    assert any(line["event"] == "stopping" for line in lines)


def test_a_client_that_sends_10_mb_sees_the_413(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n")
        try:
            for _ in range(160):
                connection.sendall(bytes(65_536))
        except OSError:
            pass
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_ctrl_c_twice_ends_at_once(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        began = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=5) == 0
        assert time.monotonic() - began < 0.8
